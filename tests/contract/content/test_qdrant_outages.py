"""A Qdrant that refuses, hangs, is slow or away: writes are tried again, within bounds."""

import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from adapters.qdrant.connection import Qdrant
from adapters.qdrant.repository import QdrantContentRepository
from core.errors import ConfigError, RejectedError, RetryableError
from core.ports import ContentWriter
from tests.contract.content.catalogue import CATALOGUE, item
from tests.contract.content.written import SPACE, scanned, stored, written
from tests.qdrant_edge.faults import Fault
from tests.qdrant_edge.folders import quick_folder
from tests.qdrant_edge.process import EdgeServer
from tests.qdrant_edge.serving import serving
from tests.qdrant_edge.switches import Switches

TIMEOUT_S = 0.3
PAUSES_S = (0.05, 0.1, 0.2)


@pytest.fixture
def url() -> Iterator[str]:
    """A server of one test, to spoil."""
    with quick_folder() as folder, serving(folder) as url:
        yield url


@pytest.fixture
async def impatient(url: str) -> AsyncIterator[Qdrant]:
    """A client that does not wait long."""
    qdrant = Qdrant(url, timeout_s=TIMEOUT_S, pauses_s=PAUSES_S)
    yield qdrant
    await qdrant.aclose()


@pytest.fixture
def own_repository(impatient: Qdrant) -> QdrantContentRepository:
    return QdrantContentRepository(impatient, "contents", retired_s=0.0)


@pytest.fixture
async def writer(url: str, own_repository: QdrantContentRepository) -> ContentWriter:
    """Of a catalogue that a patient client made: on a busy machine that takes its time."""
    patient = Qdrant(url)
    await written(QdrantContentRepository(patient, "contents"), CATALOGUE)
    await patient.aclose()
    return await own_repository.open(vector_space=SPACE, dim=3)


REFUSALS = {
    "unavailable": Fault(status=503, times=3),
    "too many requests": Fault(status=429, times=2),
    "a proxy without a server": Fault(status=502, times=3),
    "slow": Fault(delay_s=2 * TIMEOUT_S, times=2),
    "hanging": Fault(hang=True, times=2),
    "cut off": Fault(drop=True, times=3),
    "the answer lost": Fault(status=504, after=True, times=2),
}


class TestQdrantOutages:
    @pytest.mark.parametrize("fault", REFUSALS.values(), ids=REFUSALS)
    async def test_writes_are_tried_until_they_are_done(
        self, url: str, writer: ContentWriter, own_repository: QdrantContentRepository, fault: Fault
    ) -> None:
        Switches(url).fail(fault)
        await writer.upsert([stored(item("new", 0))])
        await writer.delete(["bare"])
        Switches(url).heal()
        left = {one.id for one in CATALOGUE} - {"bare"} | {"new"}
        assert set(await scanned(own_repository)) == left

    @pytest.mark.parametrize("fault", [Fault(status=503), Fault(hang=True)], ids=["503", "hanging"])
    async def test_a_write_gives_up_within_bounds(
        self, url: str, writer: ContentWriter, fault: Fault
    ) -> None:
        Switches(url).fail(fault)
        started = time.monotonic()
        with pytest.raises(RetryableError, match="Qdrant"):
            await writer.upsert([stored(item("new", 0))])
        bound_s = (len(PAUSES_S) + 1) * TIMEOUT_S + sum(PAUSES_S)
        assert time.monotonic() - started < bound_s + 2.0  # a busy machine
        Switches(url).heal()
        assert "new" not in await writer.digests()

    async def test_a_read_waits_for_one_answer_only(
        self, url: str, writer: ContentWriter, own_repository: QdrantContentRepository
    ) -> None:
        switches = Switches(url)
        switches.requests()
        for fault in (Fault(hang=True), Fault(status=503)):
            with switches.failing(fault):
                for read in (own_repository.mark, own_repository.vector_space, writer.digests):
                    with pytest.raises(RetryableError):
                        await read()
        assert len(switches.requests()) == 6

    async def test_a_read_that_was_cut_off_is_asked_once_more(
        self, url: str, writer: ContentWriter, own_repository: QdrantContentRepository
    ) -> None:
        Switches(url).fail(Fault(on="/scroll", drop=True, times=1))
        assert len(await writer.digests()) == len(CATALOGUE)
        with Switches(url).failing(Fault(drop=True)), pytest.raises(RetryableError, match="away"):
            await own_repository.mark()

    async def test_a_commit_that_failed_is_done_again(
        self, url: str, writer: ContentWriter, own_repository: QdrantContentRepository
    ) -> None:
        other = await own_repository.open(vector_space="other", dim=3)
        for step in ("POST /collections/aliases", "DELETE /collections"):
            with Switches(url).failing(Fault(on=step, status=503)), pytest.raises(RetryableError):
                await other.commit()
            assert await own_repository.vector_space() in {SPACE, "other"}
        await other.commit()
        assert await own_repository.vector_space() == "other"
        assert await writer_is_gone(writer)

    @pytest.mark.parametrize("answered", range(0, 12, 3))
    async def test_a_collection_half_made_is_finished(
        self, url: str, impatient: Qdrant, answered: int
    ) -> None:
        repository = QdrantContentRepository(impatient, "contents")
        switches = Switches(url)
        switches.fail(Fault(on="PUT", times=answered))
        switches.fail(Fault(on="PUT", status=503))
        with pytest.raises(RetryableError):
            await repository.open(vector_space=SPACE, dim=3)
        switches.heal()
        await written(repository, CATALOGUE)
        info = await impatient.read("looking", lambda client: client.get_collection("contents"))
        assert len(info.payload_schema) == 12


async def writer_is_gone(writer: ContentWriter) -> bool:
    """Whether its collection was removed."""
    with pytest.raises(RetryableError, match="replaced"):
        await writer.digests()
    return True


class TestQdrantRestarts:
    async def test_a_server_that_is_started_anew_has_every_write(self, tmp_path: Path) -> None:
        server = EdgeServer(tmp_path)
        server.start()
        qdrant = Qdrant(server.url)
        repository = QdrantContentRepository(qdrant, "contents")
        try:
            writer = await written(repository, CATALOGUE)
            mark = await repository.mark()
            server.kill()
            with pytest.raises(RetryableError, match="away"):
                await repository.mark()
            server.start()
            assert await repository.mark() == mark
            await writer.upsert([stored(item("new", 0))])
            server.kill()
            server.start()
            assert "new" in await scanned(repository)
        finally:
            await qdrant.aclose()
            server.kill()


class TestQdrantRefusals:
    async def test_a_wrong_key_is_a_setting(self, tmp_path: Path) -> None:
        with serving(tmp_path, api_key="right") as url:
            for key in ("", "wrong"):
                qdrant = Qdrant(url, api_key=key, pauses_s=())
                with pytest.raises(ConfigError, match="QDRANT_API_KEY"):
                    await QdrantContentRepository(qdrant, "contents").mark()
                await qdrant.aclose()
            qdrant = Qdrant(url, api_key="right")
            assert await QdrantContentRepository(qdrant, "contents").mark() == ""
            await qdrant.aclose()

    async def test_what_qdrant_will_never_take_is_not_tried_again(
        self, url: str, writer: ContentWriter
    ) -> None:
        switches = Switches(url)
        switches.requests()
        with switches.failing(Fault(status=400)), pytest.raises(RejectedError):
            await writer.upsert([stored(item("new", 0))])
        assert len(switches.requests()) == 1

    async def test_another_server_at_the_address_is_a_setting(
        self, url: str, own_repository: QdrantContentRepository
    ) -> None:
        with (
            Switches(url).failing(Fault(status=200)),
            pytest.raises(ConfigError, match="QDRANT_API_URL"),
        ):
            await own_repository.mark()
