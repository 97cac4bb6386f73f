"""Everything that the processes have left or show anywhere, as bytes to look into."""

import subprocess
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.secrets.marks import Secret

Finding = tuple[str, str]
"""Where, and which secret."""


def found_in(places: Iterable[tuple[str, bytes]], secrets: Iterable[Secret]) -> set[Finding]:
    """Which secret is where."""
    looked_for = list(secrets)
    return {
        (where, secret.name)
        for where, text in places
        for secret in looked_for
        if secret.mark in text
    }


def of_redis(client: Any) -> Iterator[tuple[str, bytes]]:
    """Every key with all that is in it, read by its type: a dump would be compressed."""
    for key in client.scan_iter(count=1000):
        role = key.split(b":")[0].decode(errors="replace")
        yield f"redis: key of {role}", key
        yield f"redis: {role}", b"\n".join(_pieces(_value(client, key)))


def of_files(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Logs, snapshots and whatever else lies there; Redis's own files mirror its keys."""
    for path in folder.rglob("*"):
        if path.is_file():
            kind = "log" if path.suffix == ".log" else "file"
            yield f"{kind}: {path.name}", path.read_bytes()


def of_process_list() -> Iterator[tuple[str, bytes]]:
    """What everybody on the machine sees of all processes."""
    command = ["ps", "-A", "-o", "args="]
    yield "process list", subprocess.run(command, capture_output=True, check=True).stdout


def _value(client: Any, key: bytes) -> Any:
    read = {
        b"string": client.get,
        b"hash": client.hgetall,
        b"list": lambda key: client.lrange(key, 0, -1),
        b"set": lambda key: list(client.smembers(key)),
        b"zset": lambda key: client.zrange(key, 0, -1),
        b"stream": client.xrange,
        b"none": lambda _: b"",  # it has ended between the two looks
    }
    return read[client.type(key)](key)


def _pieces(value: Any) -> Iterator[bytes]:
    if isinstance(value, bytes):
        yield value
    elif isinstance(value, Mapping):
        for pair in value.items():
            yield from _pieces(list(pair))
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _pieces(one)
