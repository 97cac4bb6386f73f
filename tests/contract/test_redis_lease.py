"""What the lease in Redis holds: one holder at a time, who keeps it only by renewing it."""

import asyncio

from adapters.redis.connection import Client
from adapters.redis.keys import lease_key
from adapters.redis.lease import RedisLease


def lease(client: Client, name: str, ttl_ms: int = 60_000) -> RedisLease:
    return RedisLease(client, name=name, ttl_ms=ttl_ms)


async def test_one_of_all_who_ask_gets_it_and_keeps_it(client: Client, uid: str) -> None:
    held = await asyncio.gather(*(lease(client, uid).hold(f"w{number}") for number in range(9)))
    assert sum(held) == 1
    holder = f"w{held.index(True)}"
    assert await lease(client, uid).hold(holder)
    await lease(client, uid).release("somebody else")
    assert not await lease(client, uid).hold("somebody else")
    assert 0 < await client.pttl(lease_key(uid)) <= 60_000
    await lease(client, uid).release(holder)
    assert await lease(client, uid).hold("somebody else")
    await lease(client, uid).release("somebody else")


async def test_it_is_free_when_it_was_not_renewed(client: Client, uid: str) -> None:
    short = lease(client, uid, ttl_ms=400)
    assert await short.hold("dead")
    assert not await short.hold("heir")
    await asyncio.sleep(0.2)
    assert await short.hold("dead"), "renewed"
    await asyncio.sleep(0.3)
    assert not await short.hold("heir")
    await asyncio.sleep(0.3)
    assert await short.hold("heir")
    assert not await short.hold("dead")
