"""The identity graph that all workers share: two keys an id, both in the id's own slot.

`links:{id}` is a JSON text of whom the id was said to be, read together with
the model; `claimed-by:{id}` a sorted set of who was said to be it. A claim
writes one key of each end, one end after the other: a worker that dies in
between is handed the same claim again.
"""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from adapters.redis.connection import Client, driver_errors
from adapters.redis.keys import claimed_by_key, links_key
from adapters.redis.scripts import Call, Script, run_script
from core.identity.node import NOBODY, Claim, IdentityConfig, Node, somebody_erased

# Of each person the earliest time; past the bound the id is shared, whoever else comes.
_SAY = Script("""
local node = cjson.decode(redis.call('GET', KEYS[1]) or '{}')
local ttl, most = ARGV[1], tonumber(ARGV[2])
for index = 3, #ARGV, 3 do
  local by, person, at = ARGV[index], ARGV[index + 1], tonumber(ARGV[index + 2])
  if by == 'person' then
    node.is_person = true
  else
    local said = node[by] or {}
    local count = 0
    for _ in pairs(said) do count = count + 1 end
    if said[person] or count <= most then
      said[person] = math.min(at, said[person] or at)
    end
    node[by] = said
  end
end
local text = cjson.encode(node)
redis.call('SET', KEYS[1], text, 'PX', ttl)
return text
""")

# Whoever was said last counts first; times only rise, so the order of claims does not matter.
_CLAIM_BACK = Script("""
redis.call('ZADD', KEYS[1], 'GT', unpack(ARGV, 3))
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -tonumber(ARGV[2]) - 1)
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 1
""")

# Somebody's name is put for another one: how many use a device stays as it was,
# or a shared one might become somebody's. Where nobody else is said, all goes.
_RENAME = Script("""
local text = redis.call('GET', KEYS[1])
if not text then return 0 end
local node, count = cjson.decode(text), 0
for _, by in ipairs({'devices', 'aliases'}) do
  for _ in pairs(node[by] or {}) do count = count + 1 end
end
for _, by in ipairs({'devices', 'aliases'}) do
  local said = node[by]
  if said and said[ARGV[1]] then
    said[ARGV[2]] = said[ARGV[1]]
    said[ARGV[1]] = nil
    if count == 1 then node[by] = nil end
  end
end
if not next(node) then return redis.call('DEL', KEYS[1]) end
redis.call('SET', KEYS[1], cjson.encode(node), 'KEEPTTL')
return 1
""")

_NODE = msgspec.json.Decoder(Node)
_BY = {"device": "devices", "alias": "aliases"}


class RedisIdentityGraph:
    """Claims as an `IdentityGraph`."""

    def __init__(self, client: Client, config: IdentityConfig) -> None:
        """Keep the client and the bounds."""
        self._client = client
        self._config = config

    async def add(self, claims: Sequence[Claim]) -> Mapping[str, Node]:
        """Keep the claims; what is known then of every id that was claimed."""
        said: dict[str, list[str | int]] = {}
        back: dict[str, list[str | int]] = {}
        for claim in claims:
            is_own = claim.of == claim.person
            by = "person" if is_own else _BY[claim.by]
            said.setdefault(claim.of, []).extend((by, claim.person, claim.ts_ms))
            if not is_own:
                back.setdefault(claim.person, []).extend((claim.ts_ms, claim.of))
        config = self._config
        with driver_errors("keeping links"):
            # The way back first: one that leads to nobody is only looked at in vain.
            await run_script(
                self._client,
                _CLAIM_BACK,
                [
                    Call((claimed_by_key(one),), (config.link_ttl_ms, config.max_ids, *parts))
                    for one, parts in back.items()
                ],
            )
            texts = await run_script(
                self._client,
                _SAY,
                [
                    Call((links_key(one),), (config.link_ttl_ms, config.max_persons, *parts))
                    for one, parts in said.items()
                ],
            )
            nodes = {one: decode_node(text) for one, text in zip(said, texts, strict=True)}
            await self._take_back(claims, nodes)
        return nodes

    async def _take_back(self, claims: Sequence[Claim], nodes: Mapping[str, Node]) -> None:
        """A shared id does not know all whom it was said to be: nor may they know of it."""
        async with self._client.pipeline(transaction=False) as pipe:
            for claim in claims:
                node = nodes[claim.of]
                if claim.person not in {claim.of, *node.devices, *node.aliases}:
                    pipe.zrem(claimed_by_key(claim.person), claim.of)
            await pipe.execute()

    async def look(self, user_ids: Sequence[str]) -> Mapping[str, Node]:
        """What is known of each id."""
        with driver_errors("looking at links"):
            async with self._client.pipeline(transaction=False) as pipe:
                for one in user_ids:
                    pipe.get(links_key(one))
                    pipe.zrevrange(claimed_by_key(one), 0, self._config.max_ids - 1)
                found: list[Any] = await pipe.execute()
        return {
            one: _with_claimants(decode_node(text), claimants)
            for one, text, claimants in zip(user_ids, found[::2], found[1::2], strict=True)
        }

    async def forget(self, user_ids: Sequence[str]) -> int:
        """Remove all that was said of the ids, and that they were said to be others."""
        if not user_ids:
            return 0
        nodes = await self.look(user_ids)
        with driver_errors("forgetting links"):
            await run_script(
                self._client,
                _RENAME,
                [
                    Call((links_key(claimant),), (one, somebody_erased(secrets.token_hex(6))))
                    for one, node in nodes.items()
                    for claimant in node.claimed_by
                    if claimant not in nodes
                ],
            )
            async with self._client.pipeline(transaction=False) as pipe:
                for one in user_ids:
                    pipe.delete(links_key(one))
                for one, node in nodes.items():
                    pipe.delete(claimed_by_key(one))
                    for person in {*node.devices, *node.aliases}:
                        pipe.zrem(claimed_by_key(person), one)
                found: list[int] = await pipe.execute()
        return sum(found[: len(user_ids)])


def decode_node(text: bytes | None) -> Node:
    """What `links:{id}` holds. An empty table of Lua's is a list in JSON, and never written."""
    return NOBODY if text is None else _NODE.decode(text)


def _with_claimants(node: Node, claimants: Sequence[bytes]) -> Node:
    if not claimants:
        return node
    return msgspec.structs.replace(node, claimed_by=tuple(one.decode() for one in claimants))
