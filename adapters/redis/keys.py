"""The names of all keys in Redis.

What belongs to a user carries their id as a literal hash tag, so that a Redis
Cluster keeps it in one slot; what belongs to a shard carries the shard.
"""

from zlib import crc32

_ESCAPED = str.maketrans({"%": "%25", "{": "%7B", "}": "%7D"})

DEAD_LETTERS = "dead-letters"
KNOWN_LETTERS = "known:{dead-letters}"
"""The letters that have been there, in the slot of the letters themselves."""
MODELLED_SPACE = "modelled-space"
"""The vector space that every model was rebuilt for."""
POPULARITY = "popularity"
"""How often items were viewed, as it was counted last."""
ERASED = "erased"
"""Keyed hashes of erased ids, by when they are forgotten themselves."""
WITHDRAWN = "withdrawn"
"""Keyed hashes of ids whose consent was withdrawn, by when."""
TOMBSTONE_KEY = "tombstone-key"
"""What those hashes are keyed with, where the settings give nothing."""
GROUP = "ingest"
"""The consumer group of every shard's stream."""


def events_key(user_id: str) -> str:
    """The sorted set of a user's events."""
    return f"events:{_tag(user_id)}"


def revision_key(user_id: str) -> str:
    """The revision of a user's events."""
    return f"revision:{_tag(user_id)}"


def model_key(user_id: str) -> str:
    """The JSON text of a user's model."""
    return f"model:{_tag(user_id)}"


def links_key(user_id: str) -> str:
    """The JSON text of what was said of an id: which persons it is."""
    return f"links:{_tag(user_id)}"


def claimed_by_key(user_id: str) -> str:
    """The sorted set of ids that were said to be this person."""
    return f"claimed-by:{_tag(user_id)}"


def user_of(key: str) -> str:
    """The user to whom a key belongs."""
    tag = key[key.index("{") + 1 : -1]
    return tag.replace("%7B", "{").replace("%7D", "}").replace("%25", "%")


def stream_key(shard: int) -> str:
    """The stream of raw batches of one shard."""
    return f"ingest:{{{shard}}}"


def discard_key(shard: int) -> str:
    """The set of entries of a shard's stream that are to go once they are finished."""
    return f"discard:{{{shard}}}"


def queue_key(role: str, shard: int) -> str:
    """One of the structures of a shard's debounce queue."""
    return f"{role}:{{queue-{shard}}}"


def shelf_key(name: str) -> str:
    """The hash that says which snapshot of a shelf is current, and what each is made of."""
    return f"shelf:{name}"


def chunk_key(shelf: str, digest: str) -> str:
    """Some bytes of a shelf's snapshots."""
    return f"chunk:{shelf}:{digest}"


def lease_key(name: str) -> str:
    """Who does what only one process is to do at a time."""
    return f"lease:{name}"


def shard_of(user_id: str, shards: int) -> int:
    """Which shard's queue a user waits in."""
    return crc32(user_id.encode()) % shards


def _tag(user_id: str) -> str:
    """The id in braces; braces of its own are escaped, and so is the escape itself."""
    return f"{{{user_id.translate(_ESCAPED)}}}"
