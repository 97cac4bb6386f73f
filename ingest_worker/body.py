"""Reads a request's body within its limits, unpacked, whatever its headers claim."""

import zlib
from collections.abc import AsyncIterator

from core.errors import RejectedError

_GZIP = b"\x1f\x8b"
_MAX_MEMBERS = 16
"""Each costs a copy of what follows; nobody honest sends more than one."""
_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS


class BodyTooLargeError(RejectedError):
    """The body is over the limit, before or after decompression."""


class BadEncodingError(RejectedError):
    """The body says gzip and is not."""


async def read_body(chunks: AsyncIterator[bytes], limit: int, claimed: int = 0) -> bytes:
    """Collect and unpack a body. One that claims to be too large is not even received.

    Gzip is recognised by its first bytes: RudderStack's own SDKs disagree on
    the headers. Decompression stops at the limit, so a bomb never unfolds.

    Units: `limit` bytes, of the raw and of the unpacked body; `claimed` bytes.
    Raises: BodyTooLargeError, BadEncodingError.
    """
    raw = bytearray()
    too_large = BodyTooLargeError(f"the body has more than {limit} bytes")
    if claimed > limit:
        raise too_large
    async for chunk in chunks:
        raw += chunk
        if len(raw) > limit:
            raise too_large
    body = bytes(raw)
    return _unpack(body, limit) if body.startswith(_GZIP) else body


def _unpack(packed: bytes, limit: int) -> bytes:
    body = b""
    for _ in range(_MAX_MEMBERS):  # a gzip file may have several
        inflater = zlib.decompressobj(_GZIP_OR_ZLIB)
        try:
            body += inflater.decompress(packed, limit + 1 - len(body))
        except zlib.error as exc:
            raise BadEncodingError("the body is not valid gzip") from exc
        if len(body) > limit:
            raise BodyTooLargeError(f"the unpacked body has more than {limit} bytes")
        if not inflater.eof:
            raise BadEncodingError("the gzip body is cut short")
        packed = inflater.unused_data
        if not packed:
            return body
    raise BadEncodingError(f"the gzip body has more than {_MAX_MEMBERS} members")
