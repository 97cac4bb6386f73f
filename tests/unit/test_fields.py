"""What the read API's parameters take, and what it makes of them."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.http.problems import BadParameterError
from core.http.reading import ParameterReader
from serve_api.endpoints.recommend import RecommendParameters
from serve_api.endpoints.similar import SimilarParameters
from serve_api.fields import tags_of

READER = ParameterReader(RecommendParameters)
LABELS = st.from_regex(r"[^!:][^:]*:[\s\S]+", fullmatch=True)


def parameters(**given: str | list[str]) -> RecommendParameters:
    listed = {
        name: one if isinstance(one, list) else [one]
        for name, one in ({"user_id": "u"} | given).items()
    }
    return READER.read((name, value) for name, values in listed.items() for value in values)


@given(st.lists(LABELS), st.lists(LABELS))
def test_every_tag_is_wanted_or_with_a_sign_before_it_unwanted(
    wanted: list[str], unwanted: list[str]
) -> None:
    values = [*(f"!{tag}" for tag in unwanted), *wanted]
    request = parameters(filter=values).request()
    assert (request.tags, request.without) == tags_of(values) == (tuple(wanted), tuple(unwanted))
    assert request.scope().tags == tuple(wanted)
    assert request.scope().without == tuple(unwanted)


@pytest.mark.parametrize(
    "value", ["", "!", "a", "!a", ":b", "!:b", "a:", "!a:", "!!a:b", ":", "!::"]
)
def test_what_is_no_tag_is_refused(value: str) -> None:
    with pytest.raises(BadParameterError, match="filter must be a tag of the form facet:label"):
        parameters(filter=["a:b", value])


@pytest.mark.parametrize("value", ["de", "de-AT", "DE_at", "zh-Hant-TW", "i-klingon", "x-1"])
def test_a_language_is_asked_for_as_bcp_47_writes_it(value: str) -> None:
    request = parameters(language=value).request()
    assert request.scope().language == request.language == value
    similar = ParameterReader(SimilarParameters).read([("content_id", "a"), ("language", value)])
    assert similar.request().scope().language == value


@pytest.mark.parametrize("value", ["", "-", "de-", "-de", "d e", "ü", "123456789", "de--AT", "*"])
def test_what_is_no_language_is_refused(value: str) -> None:
    with pytest.raises(BadParameterError, match="language must be a language such as de"):
        parameters(language=value)


@pytest.mark.parametrize(
    ("name", "most"), [("user_id", "u" * 512), ("session", "s" * 512), ("exclude", "e" * 512)]
)
def test_ids_have_a_length(name: str, most: str) -> None:
    parameters(**{name: most})
    with pytest.raises(BadParameterError, match=f"^{name} must be .*512 characters"):
        parameters(**{name: most + "x"})


@pytest.mark.parametrize(("name", "value"), [("filter", "a:b"), ("exclude", "a")])
def test_lists_have_a_length(name: str, value: str) -> None:
    parameters(**{name: [value] * 100})
    with pytest.raises(BadParameterError, match=f"^{name} must be given 100 times at most"):
        parameters(**{name: [value] * 101})
    [field] = [one for one in msgspec.structs.fields(RecommendParameters) if one.name == name]
    assert msgspec.json.schema(field.type)["maxItems"] == 100
