"""The artifact of a training: one small JSON document, sealed with the digest of what it holds.

What is cut off, changed, made by hand without care or by a later version is
refused, with the reason: an engine without a learned ranker ranks well.
"""

import hashlib
from collections.abc import Collection

import msgspec

from core.errors import RejectedError
from core.learning.model import Model, check_fit

FORMAT = 1
_MOST_BYTES = 32 * 1024 * 1024


class _Sealed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`checksum` is that of the model's bytes as they stand here."""

    format: int
    checksum: str
    model: msgspec.Raw


def encode(model: Model) -> bytes:
    """The document."""
    body = _encoder.encode(model)
    sealed = _Sealed(format=FORMAT, checksum=_digest(body), model=msgspec.Raw(body))
    return _encoder.encode(sealed) + b"\n"


def decode(content: bytes, scorers: Collection[str]) -> Model:
    """The model in a document. `scorers` are those that there are.

    Raises: RejectedError naming what is wrong.
    """
    if len(content) > _MOST_BYTES:
        raise RejectedError(f"it has more than {_MOST_BYTES} bytes")
    try:
        sealed = _sealed.decode(content)
        if sealed.format != FORMAT:
            raise RejectedError(f"its format is {sealed.format}, and this engine reads {FORMAT}")
        body = bytes(sealed.model)
        if _digest(body) != sealed.checksum:
            raise RejectedError("its checksum is not that of what it holds")
        model: Model = _model.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise RejectedError(f"it is no artifact: {exc}") from None
    check_fit(model.training)
    if unknown := sorted(set(model.features) - set(scorers)):
        raise RejectedError(f"there is no scorer called {', '.join(unknown)}")
    return model


def version_of(model: Model) -> str:
    """Twelve hex digits that change with anything in it."""
    return _digest(_encoder.encode(model))[:12]


def _digest(body: bytes) -> str:
    return hashlib.blake2b(body, digest_size=16).hexdigest()


_encoder = msgspec.json.Encoder()
_sealed = msgspec.json.Decoder(_Sealed)
_model = msgspec.json.Decoder(Model)
