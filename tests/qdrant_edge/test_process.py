"""The test server in a process of its own: what is written outlives it."""

from pathlib import Path

from qdrant_client import models

from tests.qdrant_edge.points_of_tests import connect, fill, make
from tests.qdrant_edge.process import EdgeServer


async def test_a_killed_server_has_everything_when_it_is_back(tmp_path: Path) -> None:
    server = EdgeServer(tmp_path)
    server.start()
    client = connect(server.url)
    made = models.CreateAlias(collection_name="a", alias_name="now")
    try:
        await make(client, "a", metadata={"space": "x"})
        await make(client, "gone")
        await client.create_payload_index("a", "n", models.PayloadSchemaType.INTEGER, wait=True)
        await client.update_collection_aliases([models.CreateAliasOperation(create_alias=made)])
        await fill(client, "a")
        await client.delete("a", [4])
        await client.delete_collection("gone")
        server.kill()
        server.start()
        assert (await client.count("now")).count == 3
        found = await client.get_collection("now")
        assert found.config.metadata == {"space": "x"}
        assert list(found.payload_schema) == ["n"]
        assert [one.name for one in (await client.get_collections()).collections] == ["a"]
        await fill(client, "a")
        server.stop()
        server.start()
        assert (await client.count("now")).count == 4
    finally:
        await client.close()
        server.kill()


async def test_what_a_killed_server_was_making_or_removing_is_gone(tmp_path: Path) -> None:
    for left in ("a.collection.making", "b.collection.removing"):
        (tmp_path / left / "shard").mkdir(parents=True)
    server = EdgeServer(tmp_path)
    server.start()
    client = connect(server.url)
    try:
        assert (await client.get_collections()).collections == []
        await make(client, "a")
    finally:
        await client.close()
        server.kill()
    assert not (tmp_path / "b.collection.removing").exists()
