"""A Qdrant behind TLS: whom it is trusted by, and what is said of one that nobody trusts."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.contents import open_qdrant
from adapters.settings import SharedSettings, read_settings
from core.errors import EngineError
from tests.qdrant_edge.serving import serving
from tests.tls.servers import Certificates

KEY = "of the museum's qdrant"


@pytest.fixture(scope="module")
def museum(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("museum"))


@pytest.fixture(scope="module")
def url(museum: Certificates, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("qdrant")
    certificate = (museum.server, museum.server_key)
    with serving(folder, api_key=KEY, certificate=certificate) as url:
        yield url


async def collections(url: str, ca_file: str, key: str = KEY) -> int:
    """How many there are, asked as a process with these settings does."""
    settings = read_settings(
        SharedSettings,
        {"QDRANT_API_URL": url, "QDRANT_CA_FILE": ca_file, "QDRANT_API_KEY": key},
    )
    async with open_qdrant(settings) as qdrant:
        found = await qdrant.read("listing", lambda client: client.get_collections())
        return len(found.collections)


async def test_who_trusts_the_museums_authority_gets_in(url: str, museum: Certificates) -> None:
    assert await collections(url, str(museum.authority)) == 0


async def test_a_qdrant_that_nobody_trusts_is_refused(url: str, tmp_path: Path) -> None:
    stranger = Certificates(tmp_path)
    for ca_file in (str(stranger.authority), ""):
        with pytest.raises(EngineError, match=r"(?i)certificate.verify.failed"):
            await collections(url, ca_file)


async def test_a_wrong_key_is_refused_and_not_shown(url: str, museum: Certificates) -> None:
    with pytest.raises(EngineError) as refused:
        await collections(url, str(museum.authority), key="another")
    assert "another" not in str(refused.value)
