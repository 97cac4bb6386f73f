"""What a log line says instead of an id: enough to tell that two lines are about the same."""

import hashlib


def pseudonym(user_id: str) -> str:
    """The same for the same id. Shape: 12 hex digits."""
    return hashlib.blake2b(user_id.encode(), digest_size=6).hexdigest()
