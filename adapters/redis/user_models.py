"""The materialized models: one JSON text a user, never replaced by an older one."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import structlog

from adapters.redis.connection import Client, driver_errors
from adapters.redis.identity_graph import decode_node
from adapters.redis.keys import links_key, model_key
from adapters.redis.scripts import Call, Script, run_script
from core.identity.node import IdentityConfig, owner_of
from core.identity.tracing import trace
from core.log_names import MODEL_UNREADABLE
from core.signals import UserSignals, decode_signals, encode_signals

_log = structlog.get_logger()
_DEFAULTS = IdentityConfig()

# Revision and time stand at the head of the text, so a comparison reads no more than that.
_SAVE = Script("""
local head = redis.call('GETRANGE', KEYS[1], 0, 80)
local revision, built = string.match(head, '^{"revision":(%d+),"built_at_ms":(%d+)')
revision, built = tonumber(revision or 0), tonumber(built or 0)
if revision > tonumber(ARGV[1]) then return 0 end
if revision == tonumber(ARGV[1]) and built > tonumber(ARGV[2]) then return 0 end
redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[4])
return 1
""")

# What was dropped leaves its revision behind: a refresh that began earlier may still save.
_DROP = Script("""
local text = redis.call('GETRANGE', KEYS[1], 0, 80)
local revision, rest = string.match(text, '^{"revision":(%d+),"built_at_ms":%d+(.)')
if ARGV[1] == '' then
  redis.call('DEL', KEYS[1])
elseif tonumber(revision or 0) > tonumber(ARGV[1]) then
  return 0
else
  redis.call('SET', KEYS[1], '{"revision":' .. ARGV[1] .. ',"built_at_ms":0}', 'PX', ARGV[2])
end
return rest == ',' and 1 or 0
""")
_DROPPED = re.compile(rb'\{"revision":\d+,"built_at_ms":0\}')


class RedisUserModelStore:
    """Models as a `UserModelStore`, each living `ttl_s` seconds from its last save."""

    def __init__(self, client: Client, *, ttl_s: int, identity: IdentityConfig = _DEFAULTS) -> None:
        """Keep the client, and what the links mean that lie beside the models."""
        self._client = client
        self._ttl_ms = ttl_s * 1000
        self._identity = identity

    async def save_signals(self, models: Sequence[UserSignals]) -> Sequence[bool]:
        """Store each model unless a newer one is stored; says which were."""
        if not models:
            return []
        calls = [
            Call(
                (model_key(model.user_id),),
                (model.revision, model.built_at_ms, encode_signals(model), self._ttl_ms),
            )
            for model in models
        ]
        with driver_errors("saving models"):
            return [bool(saved) for saved in await run_script(self._client, _SAVE, calls)]

    async def get_signals(self, user_id: str) -> UserSignals | None:
        """The stored model of the person whom the id belongs to, or None for a stranger.

        One command reads an id's model and its links; only who is linked to
        somebody else costs another.
        """
        owners: dict[str, str | None] = {}
        texts: dict[str, bytes | None] = {}
        while (end := trace(user_id, owners)).unknown is not None:
            asked = end.unknown
            with driver_errors("reading a model"):
                found: Any = await self._client.mget(model_key(asked), links_key(asked))
            texts[asked], links = found
            owners[asked] = None if links is None else owner_of(decode_node(links), self._identity)
        return self._decoded(texts.get(end.root or user_id))

    async def drop(self, revisions: Mapping[str, int | None]) -> int:
        """Remove models up to a revision, None: whatever it is; how many were there."""
        calls = [
            Call((model_key(user_id),), ("" if revision is None else revision, self._ttl_ms))
            for user_id, revision in revisions.items()
        ]
        with driver_errors("dropping models"):
            return sum(await run_script(self._client, _DROP, calls))

    def _decoded(self, raw: bytes | None) -> UserSignals | None:
        if raw is None or _DROPPED.fullmatch(raw):
            return None
        try:
            return decode_signals(raw)
        except msgspec.DecodeError as exc:
            # Of another version, or not ours: a stranger, until the next refresh.
            _log.warning(MODEL_UNREADABLE, error=str(exc))
            return None
