"""Forms of requests and bodies that are not in order."""

from collections.abc import Iterator

GARBAGE = (
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # TLS
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"SSH-2.0-OpenSSH_9.6\r\n",
    b"*1\r\n$4\r\nPING\r\n",  # Redis
    b"\x00" * 1000,
    bytes(range(256)) * 100,
    b"GET\r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n",
    b"\r\n" * 40_000,
    b"GET / HTTP/1.1\r\nHo\x00st: a\r\n\r\n",
    b"GET /\xff\xfe HTTP/1.1\r\n\r\n",
)
SMUGGLED = (
    b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n",
    b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{} ",
    b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
    b"Content-Length: 2, 2\r\n\r\n{}",
    b"Content-Length: +2\r\n\r\n{}",
    b"Content-Length: -2\r\n\r\n{}",
    b"Content-Length : 2\r\n\r\n{}",
    b"Content-Length: 99999999999999999999999\r\n\r\n{}",
    b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
    b"X-Folded: a\r\n b\r\nContent-Length: 2\r\n\r\n{}",
    b"Transfer-Encoding: chunked\r\n\r\n2 \n{}\n0\n\n",
    b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffffff\r\n{}\r\n0\r\n\r\n",
    b"X-Cut: a\rContent-Length: 2\r\n\r\n{}",
    b"X-Cut: a\nContent-Length: 2\n\n{}",
)
_MANY = 60_000


def broken_bodies() -> Iterator[bytes]:
    """Each below the limits of size of both services."""
    for opening, closing in ((b"[", b"]"), (b'{"a":', b"}")):
        depth = _MANY // len(opening)
        yield opening * depth
        yield opening * depth + b"1" + closing * depth
    yield b'{"limit":' + b"[" * _MANY + b"]" * _MANY + b"}"
    yield b'{"limit":' + b"9" * _MANY + b"}"
    yield b'{"limit":1e' + b"9" * 1000 + b"}"
    yield b'{"seed":-0.' + b"0" * _MANY + b"1}"
    yield b"{" + b'"limit":"a",' * (_MANY // 12) + b'"limit":0}'
    yield b"{" + b",".join(b'"a%d":0' % one for one in range(_MANY // 10)) + b"}"
    yield b'{"filter":[' + b",".join([b'"a:b"'] * (_MANY // 6)) + b"]}"
    yield b'{"liked":["' + b"x" * _MANY + b'"]}'
    yield b'{"liked":"\\ud800"'
    yield b'{"language":"\xff\xfe"}'
    yield b"\xef\xbb\xbf" * 1000
    yield b" " * _MANY
    yield b"null"
