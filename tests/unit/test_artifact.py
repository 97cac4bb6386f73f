"""Artifacts of trainings: whole and good, or refused with a reason."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import pytest

from core.errors import RejectedError
from core.learning.artifact import decode, encode
from core.learning.model import Model
from core.policies.policy import SCORERS
from tests.learned import linear_model, trees_model

LINEAR: Mapping[str, Any] = json.loads(encode(linear_model()))["model"]
TREES: Mapping[str, Any] = json.loads(encode(trees_model()))["model"]
TREE = TREES["trees"][0]


def sealed(model: Mapping[str, Any], form: int = 1) -> bytes:
    """A document whose checksum is right, whatever it holds."""
    body = json.dumps(model)
    digest = hashlib.blake2b(body.encode(), digest_size=16).hexdigest()
    return f'{{"format":{form},"checksum":"{digest}","model":{body}}}'.encode()


def with_tree(**fields: Any) -> Mapping[str, Any]:
    return {**TREES, "trees": [{**TREE, **fields}]}


@pytest.mark.parametrize("model", [linear_model(geo=0.5), trees_model()])
def test_an_artifact_is_read_as_it_was_written(model: Model) -> None:
    assert decode(encode(model), SCORERS) == model


def test_what_is_made_by_hand_with_care_is_read() -> None:
    assert decode(sealed(LINEAR), SCORERS) == linear_model()
    assert decode(sealed(TREES), SCORERS) == trees_model()


def test_no_cut_or_changed_artifact_is_read() -> None:
    whole = encode(trees_model())
    for end in range(len(whole) - 2):
        with pytest.raises(RejectedError):
            decode(whole[:end], SCORERS)
    for at in range(0, len(whole) - 2, 7):
        with pytest.raises(RejectedError):
            decode(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :], SCORERS)


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (b"", "no artifact"),
        (b"\xff\xfe", "no artifact"),
        (b'{"weights": {"geo": 1}}', "no artifact"),
        (sealed(LINEAR, form=2), "format is 2"),
        (encode(linear_model()).replace(b'"checksum":"', b'"checksum":"0'), "checksum"),
        (sealed({**LINEAR, "kind": "oracle"}), "no artifact"),
        (sealed({**LINEAR, "features": ["charm", *LINEAR["features"][1:]]}), "called charm"),
        (sealed({**LINEAR, "features": LINEAR["features"][:1] * 2}), "each once"),
        (sealed({**LINEAR, "features": []}), "each once"),
        (sealed({**LINEAR, "weights": LINEAR["weights"][1:]}), "one weight"),
        (sealed({**LINEAR, "weights": [10.5, *LINEAR["weights"][1:]]}), "semantic is 10.5"),
        (sealed({**LINEAR, "prior": [-99.0, *LINEAR["prior"][1:]]}), "semantic is -99.0"),
        (sealed({**LINEAR, "weights": [None, *LINEAR["weights"][1:]]}), "no artifact"),
        (sealed({**LINEAR, "factor": LINEAR["factor"][1:]}), "no triangle"),
        (sealed({**LINEAR, "factor": [[1e3], *LINEAR["factor"][1:]]}), "beyond all bounds"),
        (
            sealed({**LINEAR, "training": {**LINEAR["training"], "rows": -1}}),
            "data window",
        ),
        (sealed({**TREES, "trees": []}), "no tree"),
        (sealed(with_tree(leaf=TREE["leaf"][1:])), "tree 0 is cut off"),
        (sealed(with_tree(threshold=[])), "tree 0 is cut off"),
        (sealed(with_tree(feature=[2, 0])), "tree 0 asks for a feature"),
        (sealed(with_tree(left=[-1, 1])), "tree 0 is no tree"),
        (sealed(with_tree(left=[1, -2], right=[1, -3])), "tree 0 is no tree"),
        (sealed(with_tree(left=[-1, 1], right=[-2, -3])), "tree 0 is no tree"),
        (sealed(with_tree(leaf=[0.0, 1.0, 1e9])), "beyond all bounds"),
    ],
)
def test_what_no_training_writes_is_refused_with_the_reason(document: bytes, reason: str) -> None:
    with pytest.raises(RejectedError, match=reason):
        decode(document, SCORERS)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999"])
def test_what_is_no_number_is_refused(number: str) -> None:
    for model, old in ((LINEAR, '"weights": [0.3'), (TREES, '"leaf": [0.1')):
        body = json.dumps(model).replace(old, f"{old[: old.index('[') + 1]}{number}")
        assert number in body
        digest = hashlib.blake2b(body.encode(), digest_size=16).hexdigest()
        with pytest.raises(RejectedError):
            decode(f'{{"format":1,"checksum":"{digest}","model":{body}}}'.encode(), SCORERS)
