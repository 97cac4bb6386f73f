"""Requests of every form on the ingest side, and bad parameters on the serve side."""

import gzip
import json

import httpx
import pytest

from tests.end_to_end.client import Pipeline, read, visitor

PAGE = {"type": "page", "userId": "form", "messageId": "form-1"}


@pytest.mark.parametrize(
    ("body", "accepted"),
    [
        (PAGE, 1),
        ([PAGE, PAGE], 2),
        ({"batch": [PAGE, PAGE, PAGE], "sentAt": "2026-11-24T08:14:20.980502+00:00"}, 3),
        ([], 0),
        (b"null", 1),
        (b'\xef\xbb\xbf{"type":"page","userId":"form"}', 1),
        (b'{"batch":[{"type":"track","event":"NaN","userId":"form","properties":{"v":NaN}}]}', 1),
        (gzip.compress(json.dumps({"batch": [PAGE]}).encode()), 1),
    ],
)
def test_every_form_of_body_is_accepted_and_counted(
    pipeline: Pipeline, body: bytes, accepted: int
) -> None:
    answer = pipeline.post(body, content_type="application/x-www-form-urlencoded")
    assert (answer.status_code, answer.json()) == (200, {"accepted": accepted})


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
@pytest.mark.parametrize(
    "path",
    ["/api/ingest", "/api/ingest/", "/v1/batch", "/v1/track", "/v1/merge", "/api/ingest/v1/batch"],
)
def test_every_path_and_method_of_the_senders_works(
    pipeline: Pipeline, method: str, path: str
) -> None:
    answer = httpx.request(method, pipeline.ingest_url + path, json={"batch": [PAGE]})
    assert answer.status_code == 200


def test_the_path_types_a_bare_event(pipeline: Pipeline) -> None:
    user = visitor()
    event = read(user, "lidice-children", 60)
    del event["type"], event["event"]
    pipeline.post({"userId": user, "traits": {"age": 8}}, path="/v1/identify")
    assert pipeline.model_of(user, events=1)["demographics"] == {"age_group": "child"}


@pytest.mark.parametrize("body", [b"", b"<xml/>", b"a=1&b=2", b"{", gzip.compress(b"x")[:9]])
def test_a_body_that_is_no_json_is_400_in_the_form_the_sdks_understand(
    pipeline: Pipeline, body: bytes
) -> None:
    answer = pipeline.post(body)
    assert answer.status_code == 400
    assert set(answer.json()) == {"code", "message"}


def test_a_body_over_the_limit_is_413_also_when_it_unfolds(pipeline: Pipeline) -> None:
    big = json.dumps({"type": "page", "userId": "u", "blob": "x" * 4_100_000}).encode()
    assert pipeline.post(big).status_code == 413
    assert len(gzip.compress(big)) < 10_000
    assert pipeline.post(gzip.compress(big)).status_code == 413


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("", "user_id"),
        ("user_id=%20", "user_id"),
        ("user_id=u&limit=0", "limit"),
        ("user_id=u&limit=101", "limit"),
        ("user_id=u&limit=ten", "limit"),
        ("user_id=u&filter=Hiding", "filter"),
        ("user_id=u&near=here", "near"),
        ("user_id=u&near=91,0", "near"),
        ("user_id=u&near=nan,0", "near"),
        ("user_id=u&radius_m=5", "radius_m"),
        ("user_id=u&near=1,2&radius_m=-5", "radius_m"),
        ("user_id=u&near=1,2&radius_m=inf", "radius_m"),
        ("user_id=u&distractor=maybe", "distractor"),
        ("user_id=u&limt=5", "limt"),
    ],
)
def test_a_bad_parameter_is_named_with_what_is_allowed(
    pipeline: Pipeline, query: str, parameter: str
) -> None:
    answer = httpx.get(f"{pipeline.serve_url}/api/recommend?{query}")
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["parameter"] == parameter
    assert problem["allowed"]


def test_a_stranger_has_no_model(pipeline: Pipeline) -> None:
    answer = httpx.get(f"{pipeline.serve_url}/api/usermodel", params={"user_id": visitor()})
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_both_ports_say_that_they_live_and_are_ready(pipeline: Pipeline, path: str) -> None:
    assert httpx.get(pipeline.ingest_url + path).status_code == 200
    assert httpx.get(pipeline.serve_url + path).status_code == 200
