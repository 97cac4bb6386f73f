"""A bounded load on several read APIs at once, which remembers what each answer showed."""

import asyncio
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import msgspec

from tests.bench.client import answer_end, get

Shown = Mapping[str, str]
"""From the id of each item of an answer to its text."""


class Answer(msgspec.Struct, frozen=True):
    """What was asked when, and what came. `status` 0: no answer at all."""

    port: int
    asked_s: float
    took_s: float
    status: int
    shown: Shown


class Watch:
    """A context manager: inside it every port is asked the same, so often a second."""

    def __init__(
        self, ports: Sequence[int], path: str, *, rate: float, connections: int = 4
    ) -> None:
        """`rate`: requests a second of each port, over so many connections."""
        self._ports = ports
        self._request = get(path)
        self._every_s = connections / rate
        self._connections = connections
        self._ending = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._ask_all()))
        self.answers: list[Answer] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ending.set()
        self._thread.join(30)

    @property
    def failed(self) -> list[Answer]:
        """The answers that are none."""
        return [one for one in self.answers if one.status != 200]

    def seconds_until(self, true: Callable[[Shown], bool], since_s: float) -> float:
        """How long after `since_s` somebody last asked and was shown something else.

        Waits until no port has done so for a second. Raises: AssertionError.
        """
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            time.sleep(0.05)
            late = dict.fromkeys(self._ports, since_s)
            for one in list(self.answers):
                if one.asked_s > since_s and not true(one.shown):
                    late[one.port] = one.asked_s
            if all(time.monotonic() - asked_s > 1 for asked_s in late.values()):
                return max(late.values()) - since_s
        raise AssertionError(f"not within 30 s: {self.answers[-1]}")

    async def _ask_all(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            for port in self._ports:
                for _ in range(self._connections):
                    tasks.create_task(self._ask(port))

    async def _ask(self, port: int) -> None:
        """One connection; a request that is late is not made up for."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        due_s = time.monotonic()
        while not self._ending.is_set():
            due_s = max(due_s + self._every_s, time.monotonic())
            await asyncio.sleep(due_s - time.monotonic())
            asked_s = time.monotonic()
            try:
                writer.write(self._request)
                async with asyncio.timeout(10):
                    status, body = await _answer(reader)
            except (OSError, TimeoutError, EOFError):
                status, body = 0, b""
            took_s = time.monotonic() - asked_s
            shown = _shown(body) if status == 200 else {}
            self.answers.append(Answer(port, asked_s, took_s, status, shown))
            if status == 0:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.close()


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    received = bytearray()
    while (end := answer_end(received)) is None:
        data = await reader.read(65536)
        if not data:
            raise EOFError
        received += data
    head, _, body = bytes(received[:end]).partition(b"\r\n\r\n")
    return int(head.split(b" ", 2)[1]), body


def _shown(body: bytes) -> Shown:
    answer: Any = msgspec.json.decode(body)
    return {one["content_id"]: one["content"]["text"] for one in answer["items"]}
