"""HTTP/1.1 in which nobody can wait, send or keep without bound.

uvicorn with httptools has no bound on the time and size of a head, on the
trailers of a body, on a body after its answer, on pipelined requests, nor on the
time that somebody may take to read an answer. A request in order costs nothing
more than a few comparisons: timers run only where somebody is slow.
"""

import asyncio
from collections.abc import Callable
from typing import Any, NoReturn

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from adapters.http_crowd import Crowd
from adapters.http_limits import HttpLimits
from adapters.http_refusal import BAD_REQUEST, MANY_FIELDS, NO_ROOM, TOO_LARGE, TOO_LONG, Refusal

_MAX_FIELDS = 100
_MAX_PIPELINED = 32
"""Requests behind the one that is answered; nobody honest sends more than a few."""
_LINGER_S = 2.0
"""Closed at once, a connection with unread bytes would lose the words of the refusal."""
_HEADS_AN_ANSWER = 6
"""To take an answer that is ready, somebody has so many times as long as for a head."""


class BoundedHttpProtocol(HttpToolsProtocol):
    """One connection, within the limits."""

    def __init__(self, *args: Any, limits: HttpLimits, crowd: Crowd, **kwargs: Any) -> None:
        """The other arguments are uvicorn's."""
        super().__init__(*args, **kwargs)
        self.held_bytes = 0
        self._limits = limits
        self._crowd = crowd
        self._max_target = limits.max_head_bytes // 2
        self._deadline: asyncio.TimerHandle | None = None
        self._flushing: asyncio.TimerHandle | None = None
        self._in_head = False
        self._in_message = False
        self._begun = 0
        self._brought_body = False
        self._idle_bytes = 0
        """What came since the head began, or since the last piece of a body."""
        self._is_over = False
        self._refusal = BAD_REQUEST
        """Of what cannot be parsed, unless one of the limits has ended the parsing."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Let it in, and expect a head."""
        super().connection_made(transport)
        self._expect()
        if not self._crowd.enter(self):
            self._is_over = True  # nothing is read of it, and nobody waits for it
            transport.write(NO_ROOM.answer(self.server_state.default_headers))
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Leave nothing behind."""
        super().connection_lost(exc)
        self._unset_keepalive_if_required()
        self._expect_nothing()
        self._stop_flushing()
        self._crowd.leave(self)

    def data_received(self, data: bytes) -> None:
        """Feed what came, in pieces that cannot hold much more than a head."""
        if self._is_over:
            return
        self._unset_keepalive_if_required()
        try:
            if len(data) <= self._limits.max_head_bytes:
                self._feed(data)
            else:
                self._feed_in_pieces(data)
        except httptools.HttpParserUpgrade:
            # Answered as if it had not asked; what follows is of no protocol that is spoken here.
            self.cycle.keep_alive = False
            self._is_over = True
        except httptools.HttpParserError:
            self._refuse(self._refusal)

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        super().on_message_begin()
        self._begun += 1
        self._in_head = self._in_message = True
        self._crowd.wait_for(self)

    def on_headers_complete(self) -> None:
        """A request is known."""
        self._check_head()
        self._in_head = False
        self._expect_nothing()
        if len(self.pipeline) >= _MAX_PIPELINED:
            self._reject(BAD_REQUEST)
        super().on_headers_complete()
        self.headers = []  # trailers go there, and not into the request: nothing reads them

    def on_body(self, body: bytes) -> None:
        """A part of a body."""
        self._brought_body = True
        super().on_body(body)
        if not self.cycle.response_complete and not self._crowd.hold(self, len(body)):
            self._reject(NO_ROOM)

    def on_message_complete(self) -> None:
        """A request is there to its end."""
        super().on_message_complete()
        self._in_message = False
        self._expect_nothing()
        if not self.cycle.response_complete:
            self._crowd.stop_waiting_for(self)

    def on_response_complete(self) -> None:
        """An answer is on its way."""
        super().on_response_complete()
        self._crowd.release(self)
        if not self.pipeline:
            self._crowd.wait_for(self)
        if self.transport.is_closing():
            self._flush()

    def timeout_keep_alive_handler(self) -> None:
        """Nothing more came."""
        self._end()

    def pause_writing(self) -> None:
        """An answer is not being read."""
        super().pause_writing()
        self._crowd.wait_for(self)
        self._flush()

    def resume_writing(self) -> None:
        """It is being read again."""
        super().resume_writing()
        if self.transport.is_closing():
            return
        self._stop_flushing()
        if self.cycle is not None and not self.cycle.response_complete:
            self._crowd.stop_waiting_for(self)

    def make_room(self) -> None:
        """Another needs the place."""
        self._is_over = True
        self.transport.abort()

    def try_later(self) -> None:
        """Another needs the memory."""
        self._refuse(NO_ROOM)

    def _feed_in_pieces(self, data: bytes) -> None:
        size = self._limits.max_head_bytes
        for start in range(0, len(data), size):
            self._feed(data[start : start + size])

    def _feed(self, piece: bytes) -> None:
        """Parse, and count what cannot be anything but a head or the frame of a body."""
        was_between, begun = not self._in_message, self._begun
        self._brought_body = False
        self.parser.feed_data(piece)
        if not self._in_message and self._begun != begun:
            return  # whole requests, as nearly always
        self._count(piece, self._begun - begun, was_between=was_between)

    def _count(self, piece: bytes, begun: int, *, was_between: bool) -> None:
        if self._brought_body or begun > was_between:
            self._idle_bytes = 0
        else:
            self._idle_bytes = (0 if begun else self._idle_bytes) + len(piece)
        if self._in_head:
            self._check_head()
        if self._idle_bytes > self._limits.max_head_bytes:
            self._reject(TOO_LARGE)
        is_answered = self.cycle is None or self.cycle.response_complete
        if (self._in_head or is_answered) and self._deadline is None:
            self._expect()

    def _check_head(self) -> None:
        if len(self.url) > self._max_target:
            self._reject(TOO_LONG)
        if len(self.headers) > _MAX_FIELDS:
            self._reject(MANY_FIELDS)

    def _reject(self, refusal: Refusal) -> NoReturn:
        """End the parsing. Not every error of a callback comes back from the parser as it was."""
        self._refusal = refusal
        raise httptools.HttpParserError(refusal.detail)

    def _refuse(self, refusal: Refusal) -> None:
        """Say why, if that can be said, and close."""
        self._is_over = True
        self._expect_nothing()
        self._crowd.release(self)
        cycle = self.cycle
        is_asked = cycle is not None and not cycle.response_complete
        has_begun = is_asked and (cycle.response_started or self._in_head or bool(self.pipeline))
        if has_begun or self.transport.is_closing():
            self.transport.abort()
            return
        if is_asked:
            cycle.disconnected = True
            cycle.message_event.set()
        self.flow.resume_reading()
        self.transport.write(refusal.answer(self.server_state.default_headers))
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._deadline = self._call_later(_LINGER_S, self.transport.abort)

    def _expect(self) -> None:
        self._expect_nothing()
        self._deadline = self._call_later(self._limits.head_timeout_s, self._end)

    def _expect_nothing(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _end(self) -> None:
        """Close; what is written and not taken has a while."""
        self._is_over = True
        self.transport.close()
        self._flush()

    def _flush(self) -> None:
        if self._flushing is None and self.transport.get_write_buffer_size():
            self._flushing = self._call_later(
                _HEADS_AN_ANSWER * self._limits.head_timeout_s, self.transport.abort
            )

    def _stop_flushing(self) -> None:
        if self._flushing is not None:
            self._flushing.cancel()
            self._flushing = None

    def _call_later(self, after_s: float, call: Callable[[], None]) -> asyncio.TimerHandle:
        return self.loop.call_later(after_s, call)
