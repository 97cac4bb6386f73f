"""Looks through everything in Redis for ids that should not be there any more.

Ids are compared as wholes, wherever an id may stand: as the tag of a key, a
member, a field, or a value under the name of an id. Only of what cannot be read
at all the text decides.
"""

import re
from collections.abc import AsyncIterator, Collection, Iterator
from typing import Any

import msgspec

from adapters.redis import keys
from adapters.redis.connection import Client, driver_errors
from adapters.redis.due_queue import ROLES
from adapters.redis.stream import BODY_FIELD
from core.erasing.bodies import part
from core.erasing.naming import named_ids

_KEYS_A_SCAN = 1000
_ENTRIES_A_PAGE = 25
_NOT_OF_USERS = (
    "chunk:",
    "shelf:",
    "lease:",
    "discard:",
    keys.KNOWN_LETTERS,
    keys.MODELLED_SPACE,
    keys.POPULARITY,
)
"""The catalogue, whose texts may name anybody, counts of items, and names of entries."""
_HASHES = (keys.ERASED, keys.WITHDRAWN, keys.TOMBSTONE_KEY)
_TAGS_OF_OTHERS = ("ingest", *ROLES)
"""Prefixes of keys whose tag is a shard's."""
_OF_IDS = ("claimed-by", *ROLES)
"""Prefixes of keys whose members are ids and nothing else."""
_BODIES = (BODY_FIELD, b"body")


class Trace(msgspec.Struct, frozen=True, kw_only=True):
    """Where something is left, of which ids."""

    key: str
    where: str
    ids: tuple[str, ...]


class RedisTraces:
    """All that is left of some ids."""

    def __init__(self, client: Client) -> None:
        """Keep the client."""
        self._client = client

    async def keys(self) -> AsyncIterator[bytes]:
        """Every key that may hold something of somebody."""
        with driver_errors("listing the keys"):
            async for key in self._client.scan_iter(count=_KEYS_A_SCAN):
                text = key.decode("utf-8", "replace")
                if text not in _HASHES and not text.startswith(_NOT_OF_USERS):
                    yield key

    async def find(self, key: bytes, ids: Collection[str]) -> AsyncIterator[Trace]:
        """What is left under one key."""
        name = key.decode("utf-8", "replace")
        tag = _tag(name)
        if tag is not None and tag in ids:
            yield Trace(key=name, where="name", ids=(tag,))
        with driver_errors("looking for traces"):
            found_type: Any = await self._client.type(key)
            kind = found_type.decode()
            async for where, found in self._values(key, kind, ids):
                if found:
                    yield Trace(key=name, where=where, ids=tuple(sorted(found)))

    async def _values(
        self, key: bytes, kind: str, ids: Collection[str]
    ) -> AsyncIterator[tuple[str, set[str]]]:
        client: Any = self._client
        if kind == "string":
            yield "value", _in_value(await client.get(key), ids)
        elif kind == "stream":
            async for entry_id, fields in self._entries(key):
                yield entry_id.decode(), _in_entry(fields, ids)
        elif kind == "hash":
            async for field, value in client.hscan_iter(key, count=_KEYS_A_SCAN):
                is_ours = key.partition(b":")[0].decode("utf-8", "replace") in ROLES
                yield "field", _in_value(field, ids) | (set() if is_ours else _in_value(value, ids))
        else:
            are_ids = key.partition(b":")[0].decode("utf-8", "replace") in _OF_IDS
            scan = {"zset": client.zscan_iter, "set": client.sscan_iter}.get(kind)
            if scan is not None:
                async for member in scan(key, count=_KEYS_A_SCAN):
                    found = member[0] if kind == "zset" else member
                    yield "member", _is_id(found, ids) if are_ids else _in_value(found, ids)
            elif kind == "list":
                for member in await client.lrange(key, 0, -1):
                    yield "member", _in_value(member, ids)

    async def _entries(self, key: bytes) -> AsyncIterator[tuple[bytes, dict[bytes, bytes]]]:
        client: Any = self._client
        start: Any = "-"
        while found := await client.xrange(key, start, "+", count=_ENTRIES_A_PAGE):
            for entry_id, fields in found:
                yield entry_id, fields
            start = b"(" + found[-1][0]


def _tag(key: str) -> str | None:
    prefix = key.partition(":")[0]
    if prefix in _TAGS_OF_OTHERS or "{" not in key or not key.endswith("}"):
        return None
    return keys.user_of(key)


def _in_entry(fields: dict[bytes, bytes], ids: Collection[str]) -> set[str]:
    """Of a body, event by event; of a stream that is not ours, field by field."""
    bodies = [value for name, value in fields.items() if name in _BODIES]
    if bodies:
        return {one for one in ids for body in bodies if part(body, (one,)).theirs}
    return set().union(*(_in_value(value, ids) for value in fields.values()))


def _is_id(member: bytes, ids: Collection[str]) -> set[str]:
    return {member.decode("utf-8", "replace")} & set(ids)


def _in_value(value: bytes, ids: Collection[str]) -> set[str]:
    """The value itself, or ids that it names where it is JSON."""
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return {one for one in ids if one.encode() in value}
    if text in ids:
        return {text}
    try:
        decoded = msgspec.json.decode(value)
    except (msgspec.DecodeError, RecursionError):
        return {one for one in ids if re.search(rf"(?<![\w-]){re.escape(one)}(?![\w-])", text)}
    return set(_named(decoded)) & set(ids)


def _named(value: Any) -> Iterator[str]:
    """Ids in a model, in links, or in an event."""
    if isinstance(value, dict):
        yield from named_ids(value)
        if isinstance(user_id := value.get("user_id"), str):
            yield user_id
        for said in ("devices", "aliases"):
            if isinstance(persons := value.get(said), dict):
                yield from persons
