"""The catalogue over HTTP: an item and a search, every answer and error."""

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import pytest

from adapters.snapshot.live import LiveContentStore
from core.content import Content, ShownContent
from tests.unit.catalogue_client import CATALOGUE, ODD_IDS, Client, app_of


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    client = Client(app_of())
    yield client
    await client.http.aclose()


class TestContent:
    async def test_an_item_is_answered_as_the_lists_answer_it(self, client: Client) -> None:
        found = await client.json("/api/content/opera")
        assert (found["id"], found["title"]) == (
            "opera",
            (await CATALOGUE.rows(["opera"]))[0].title,
        )
        listed = await client.json("/api/search", q="opera", include_content=1)
        assert listed["items"][0]["content"] == found

    def test_what_an_item_has_is_shown_and_nothing_else(self) -> None:
        """A field that items get and the type has not would be missing without a word."""
        kept = {"vector", "words", "keyed_tags", "rules", "related", "popularity"}
        shown = set(ShownContent.__struct_fields__) - {"lat", "lon"} | {"position"}
        assert shown == set(Content.__struct_fields__) - kept

    @pytest.mark.parametrize("odd", ODD_IDS)
    async def test_an_id_of_any_characters_is_an_id(self, client: Client, odd: str) -> None:
        answer = await client.get(f"/api/content/{quote(odd, safe='')}")
        assert (answer.status_code, answer.json()["id"]) == (200, odd)

    async def test_a_slash_may_be_encoded_or_not(self, client: Client) -> None:
        assert (await client.json("/api/content/a/b"))["id"] == "a/b"
        assert (await client.json("/api/content/a//b/"))["id"] == "a//b/"

    @pytest.mark.parametrize("content_id", ["nobody", "hidden", "over", "opera/", "%FF"])
    async def test_what_is_not_shown_is_404_as_if_it_were_not_there(
        self, client: Client, content_id: str
    ) -> None:
        answer = await client.get(f"/api/content/{content_id}")
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["title"] == "No such item"

    @pytest.mark.parametrize(
        ("path", "parameter"),
        [("", "content_id"), ("opera?at=5", "at"), ("a?content_id=b", "content_id")],
    )
    async def test_a_bad_parameter_is_400(self, client: Client, path: str, parameter: str) -> None:
        answer = await client.get(f"/api/content/{path}")
        assert answer.status_code == 400
        assert answer.json()["parameter"] == parameter

    async def test_who_has_it_already_is_told_so(self, client: Client) -> None:
        first = await client.get("/api/content/opera")
        assert first.headers["cache-control"] == "public, no-cache"
        etag = first.headers["etag"]
        assert etag.startswith('"'), "strong"
        again = await client.get("/api/content/opera", headers={"If-None-Match": etag})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
        other = await client.get("/api/content/song", headers={"If-None-Match": etag})
        assert other.status_code == 200
        assert other.headers["etag"] != etag


class TestSearch:
    async def test_items_are_found_by_their_words_best_first(self, client: Client) -> None:
        found = await client.json("/api/search", q="SÍNG opera")
        assert found == {
            "items": [
                {"content_id": "opera", "rank": 1, "title": "An opera in the ghetto"},
                {"content_id": "song", "rank": 2, "title": "A song at the gate"},
            ],
            "catalogue_version": CATALOGUE.version,
        }
        assert await client.found("/api/search", q="prison") == ["song"], "an unfinished word"
        assert await client.found("/api/search", q="sing", limit=1) in (["opera"], ["song"])

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({"filter": "THEME:music"}, {"opera", "song"}),
            ({"filter": "theme:none"}, set()),
            ({"filter": ["theme:music", "!length:short"]}, {"opera"}),
            ({"language": "EN-gb"}, {"opera", "song"}),
            ({"language": "de"}, {"song"}),
            ({"near": "50.5,14.1", "radius_m": 500}, {"opera"}),
            ({"near": "50.5,14.1"}, {"opera", "song"}),
            ({"exclude": ["opera", "nobody"]}, {"song"}),
            ({"at": 0}, {"opera", "song", "over"}),
            ({"at": "1970-01-01T00:00:00Z"}, {"opera", "song", "over"}),
        ],
    )
    async def test_nothing_outside_is_found(
        self, client: Client, query: dict[str, Any], found: set[str]
    ) -> None:
        assert set(await client.found("/api/search", q="sing", **query)) == found

    @pytest.mark.parametrize("q", [" ", "?!", "…", "_", "\u0301", "x" * 200, "\x00"])
    async def test_a_text_without_a_word_that_is_known_finds_nothing(
        self, client: Client, q: str
    ) -> None:
        assert await client.found("/api/search", q=q) == []

    @pytest.mark.parametrize(
        ("query", "parameter"),
        [
            ({}, "q"),
            ({"q": ""}, "q"),
            ({"q": "x" * 201}, "q"),
            ({"q": ["a", "b"]}, "q"),
            ({"q": "a", "limit": 0}, "limit"),
            ({"q": "a", "limit": 21}, "limit"),
            ({"q": "a", "filter": "Music"}, "filter"),
            ({"q": "a", "language": "!"}, "language"),
            ({"q": "a", "near": "91,0"}, "near"),
            ({"q": "a", "radius_m": 5}, "radius_m"),
            ({"q": "a", "near": "1,2", "radius_m": 0}, "radius_m"),
            ({"q": "a", "exclude": ""}, "exclude"),
            ({"q": "a", "include_content": "perhaps"}, "include_content"),
            ({"q": "a", "at": "yesterday"}, "at"),
            ({"q": "a", "user_id": "ada"}, "user_id"),
        ],
    )
    async def test_a_bad_parameter_is_named(
        self, client: Client, query: dict[str, Any], parameter: str
    ) -> None:
        answer = await client.get("/api/search", params=query)
        assert answer.status_code == 400
        assert answer.json()["parameter"] == parameter
        assert answer.json()["allowed"]

    async def test_the_same_answer_has_the_same_tag(self, client: Client) -> None:
        first = await client.get("/api/search", params={"q": "sing"})
        tag = {"If-None-Match": first.headers["etag"]}
        again = await client.get("/api/search", params={"q": "sing"}, headers=tag)
        assert again.status_code == 304
        other = await client.get("/api/search", params={"q": "sing", "limit": 1}, headers=tag)
        assert other.status_code == 200


@pytest.mark.parametrize("path", ["/api/content/opera", "/api/search?q=a", "/api/popular"])
class TestEach:
    async def test_without_a_catalogue_it_says_when_to_ask_again(self, path: str) -> None:
        answer = await Client(app_of(LiveContentStore())).get(path)
        assert answer.status_code == 503
        assert answer.headers["retry-after"]
        assert answer.headers["content-type"] == "application/problem+json"

    async def test_other_methods_are_405(self, client: Client, path: str) -> None:
        answer = await client.http.post(path)
        assert answer.status_code == 405
