"""The settings that all processes share, read once from the environment."""

import hashlib
from collections.abc import Mapping
from typing import Literal, TypeVar

import msgspec

from adapters.addresses import address_problems
from adapters.embedding.choice import EmbedderName
from adapters.http_limits import HttpLimits
from adapters.plans.toml import DEFAULT_PLAN
from adapters.secret_files import with_secrets
from core.config import (
    CollectiveConfig,
    Count,
    EngagementConfig,
    ExplorationConfig,
    ModelConfig,
    PopularityConfig,
    Positive,
    RankingConfig,
    SignalsConfig,
)
from core.environment import load
from core.errors import ConfigError
from core.identity.node import IdentityConfig

S = TypeVar("S", bound="SharedSettings")
_SECTIONS = (
    "engagement",
    "signals",
    "ranking",
    "exploration",
    "popularity",
    "collective",
    "identity",
)


class SharedSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where the data lie. Empty means unset."""

    redis_url: str = ""
    """Redis 7+ or Valkey; unset keeps everything in the memory of one process."""
    redis_cluster: bool = False
    """Whether REDIS_URL names a node of a Redis Cluster."""
    redis_username: str = ""
    """The ACL user, where REDIS_URL names none."""
    redis_password: str = ""
    redis_ca_file: str = ""
    """Certificates that Redis is trusted by over rediss://; unset: those of the system."""
    redis_cert_file: str = ""
    """Our own certificate, where Redis asks for one."""
    redis_key_file: str = ""
    qdrant_api_url: str = ""
    """The Qdrant that holds the catalogue; unset, the file in `catalogue` does."""
    qdrant_api_key: str = ""
    """Sent to Qdrant with every request."""
    qdrant_ca_file: str = ""
    """Certificates that Qdrant is trusted by over https://; unset: those of the system."""
    qdrant_collection: str = "contents"
    """The alias under which the catalogue lies in Qdrant."""
    qdrant_timeout_s: Positive = 5.0
    """Bound of every single wait for Qdrant."""
    catalogue: str = ""
    """Path of a catalogue file (JSON Lines); unset serves the bundled one."""
    content_serving: Literal["snapshot", "qdrant"] = "snapshot"
    """Whether answers are made from a snapshot in this process, or by asking Qdrant."""
    content_folder: str = ""
    """Where snapshots lie that were fetched; unset: in the system's folder for such files."""
    content_check_ms: Count = 500
    """How often the catalogue is looked at for changes."""
    embedder: EmbedderName = "hashed"
    """Makes the vectors of items that come without; `minilm` is an optional extra."""
    event_plan: str = DEFAULT_PLAN
    """Name of a bundled event plan, or the path of one."""
    keys_file: str = ""
    """Path of a TOML file of named keys with their rights, read again whenever it changes."""
    ranker_file: str = ""
    """Path of what `ai-engine train` has learned, read again whenever it changes."""
    experiments_file: str = ""
    """Path of a TOML file of experiments, read at the start."""
    key_failures_per_minute: Count = 60
    """Wrong keys of one address that a process answers 401; further ones it answers 429."""
    tombstone_key: str = ""
    """A secret, the same for every process: what the hashes of visitors' ids are keyed with."""
    log_url: str = ""
    """Folder or object store (`s3://...`) of the log of answers and events; unset: no log."""
    log_rotate_s: Positive = 60.0
    """How old a row gets before it is in a file: what a killed process may lose."""
    log_days: Count = 90
    """How many days the log reaches back."""
    log_max_mb: Count = 10_000
    """Bound of each of its two halves; the earliest day goes first."""
    replay_days: Count = 14
    """How long catalogues, statistics and policies are kept that answers were made from."""
    posthog_host: str = ""
    """PostHog's address, to tell it what was shown and opened; unset: it is told nothing."""
    posthog_api_key: str = ""
    """The project's key there."""
    posthog_queue: Count = 10_000
    """How many events may wait for PostHog; further ones are dropped and counted."""
    log_format: Literal["auto", "json", "console"] = "auto"
    """`auto` is readable on a terminal and JSON lines elsewhere."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    redis_timeout_s: Positive = 5.0
    """Bound of every single wait for Redis."""
    model_ttl_s: Count = 7 * 86_400
    """How long a model lives after its last refresh."""
    max_events_per_user: Count = 2000
    """The newest events stay."""
    engagement: EngagementConfig = EngagementConfig()
    signals: SignalsConfig = SignalsConfig()
    ranking: RankingConfig = RankingConfig()
    exploration: ExplorationConfig = ExplorationConfig()
    popularity: PopularityConfig = PopularityConfig()
    collective: CollectiveConfig = CollectiveConfig()
    identity: IdentityConfig = IdentityConfig()
    http: HttpLimits = HttpLimits()

    @property
    def tombstone_hash_key(self) -> bytes:
        """The secret in a length that a hash takes; empty where there is none."""
        secret = self.tombstone_key.encode()
        return hashlib.blake2b(secret, digest_size=32).digest() if secret else b""

    @property
    def model(self) -> ModelConfig:
        """The mathematics, the same on both sides."""
        return ModelConfig(engagement=self.engagement, signals=self.signals, ranking=self.ranking)


def read_settings(kind: type[S], environ: Mapping[str, str]) -> S:
    """A process's settings; a misspelt tunable of the model is an error too.

    Raises: ConfigError naming every bad variable.
    """
    settings = load(kind, with_secrets(environ), known_sections=_SECTIONS)
    if problems := list(address_problems(settings)):
        raise ConfigError("bad settings:\n  " + "\n  ".join(problems))
    return settings
