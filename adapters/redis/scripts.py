"""Lua scripts, many runs of one in one round trip."""

import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec
from redis.exceptions import NoScriptError

from adapters.redis.connection import Client


class Script(msgspec.Struct, frozen=True):
    """A Lua script. All of ours may run twice without harm."""

    source: str
    sha: str = ""
    """The name under which the server caches it, derived once."""

    def __post_init__(self) -> None:
        """Derive the name."""
        sha = hashlib.sha1(self.source.encode(), usedforsecurity=False).hexdigest()
        msgspec.structs.force_setattr(self, "sha", sha)


class Call(msgspec.Struct, frozen=True):
    """One run of a script. In a cluster its keys share a slot."""

    keys: Sequence[str]
    args: Sequence[Any]


async def run_script(client: Client, script: Script, calls: Sequence[Call]) -> list[Any]:
    """Run a script many times in one pipeline; a server that forgot it is told again."""
    if not calls:
        return []
    try:
        return await _pipeline(client, script.sha, calls)
    except NoScriptError:
        await client.script_load(script.source)
        return await _pipeline(client, script.sha, calls)


async def _pipeline(client: Client, sha: str, calls: Sequence[Call]) -> list[Any]:
    async with client.pipeline(transaction=False) as pipe:
        for call in calls:
            # A cluster's pipeline has no evalsha(), though it runs the command.
            pipe.execute_command("EVALSHA", sha, len(call.keys), *call.keys, *call.args)
        found: list[Any] = await pipe.execute()
        return found
