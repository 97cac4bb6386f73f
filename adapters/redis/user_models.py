"""The materialized models: one JSON text a user, never replaced by an older one."""

from collections.abc import Sequence
from typing import Any

import msgspec
import structlog

from adapters.redis.connection import Client, driver_errors
from adapters.redis.keys import model_key
from adapters.redis.scripts import Call, Script, run_script
from core.log_names import MODEL_UNREADABLE
from core.signals import UserSignals, decode_signals, encode_signals

_log = structlog.get_logger()

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


class RedisUserModelStore:
    """Models as a `UserModelStore`, each living `ttl_s` seconds from its last save."""

    def __init__(self, client: Client, *, ttl_s: int) -> None:
        """Keep the client."""
        self._client = client
        self._ttl_ms = ttl_s * 1000

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
        """The stored model, or None for a stranger."""
        with driver_errors("reading a model"):
            raw: Any = await self._client.get(model_key(user_id))
        if raw is None:
            return None
        try:
            return decode_signals(raw)
        except msgspec.DecodeError as exc:
            # Of another version, or not ours: a stranger, until the next refresh.
            _log.warning(MODEL_UNREADABLE, error=str(exc))
            return None
