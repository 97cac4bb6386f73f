"""The keyed hashes that the log knows visitors by."""

import hashlib
import os
import secrets
from contextlib import suppress
from pathlib import Path

from adapters.parquet.folder import LogFolder
from core.answer_log.served import Pseudonym
from core.errors import ConfigError

_KEY_FILE = "key"
_KEY_BYTES = 32
_HASH_BYTES = 12
_PERSON = b"answer-log"
"""A tombstone's hash of the same id and key is another."""


def pseudonym_of(key: bytes) -> Pseudonym:
    """From an id to 24 hex digits."""

    def hashed(user_id: str) -> str:
        return hashlib.blake2b(
            user_id.encode(), digest_size=_HASH_BYTES, key=key, person=_PERSON
        ).hexdigest()

    return hashed


def key_of(folder: LogFolder) -> bytes:
    """The key where no setting gives one: made once, and kept beside the log.

    Whoever reads both can find out whether an id that they know is in the log.

    Raises: ConfigError for an object store, where two processes might make one each.
    """
    local = folder.local
    if local is None:
        raise ConfigError("LOG_URL of an object store needs TOMBSTONE_KEY")
    path = local / _KEY_FILE
    if not path.exists():
        _make(path)
    return path.read_bytes()


def _make(path: Path) -> None:
    """Whoever comes first makes it; a file appears whole."""
    part = path.with_name(f"{_KEY_FILE}.{os.getpid()}")
    part.touch(mode=0o600)
    part.write_bytes(secrets.token_bytes(_KEY_BYTES))
    with suppress(FileExistsError):
        os.link(part, path)
    part.unlink()
