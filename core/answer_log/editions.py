"""What a logged answer can be made from again: the policy, the catalogue and the statistics."""

from typing import Literal

import msgspec

from core.config import RankingConfig
from core.errors import RejectedError
from core.learning.forest import Forest
from core.learning.model import LinearModel, Model, TreesModel
from core.policies.policy import Policy

EditionKind = Literal["catalogue", "collective", "policy"]


class StoredPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """A policy as it is kept. `model` is what was learned, whole."""

    config: RankingConfig
    config_version: str
    ranker_version: str
    model: Model | None = None


def policy_version(config_version: str, ranker_version: str) -> str:
    """What a policy is kept under."""
    return f"{config_version}-{ranker_version}" if ranker_version else config_version


def encode_policy(policy: Policy) -> bytes:
    """The stored form."""
    ranker = policy.ranker
    model: Model | None = ranker.model if isinstance(ranker, Forest) else policy.posterior
    return _encoder.encode(
        StoredPolicy(
            config=policy.config,
            config_version=policy.config_version,
            ranker_version=policy.ranker_version,
            model=model,
        )
    )


def decode_policy(content: bytes) -> Policy:
    """The policy as it was. Raises: RejectedError where it is not one of this release."""
    try:
        stored = _decoder.decode(content)
    except msgspec.DecodeError as exc:
        raise RejectedError(f"the kept policy cannot be read: {exc}") from exc
    model = stored.model
    return Policy(
        config=stored.config,
        config_version=stored.config_version,
        ranker=Forest(model) if isinstance(model, TreesModel) else None,
        ranker_version=stored.ranker_version,
        posterior=model if isinstance(model, LinearModel) else None,
    )


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(StoredPolicy)
