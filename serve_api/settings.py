"""The settings of the serve side, read once from the environment."""

from typing import Annotated

import msgspec
from msgspec import Meta

from core.config import Count, Port
from core.http.access import AccessPolicy, is_loopback
from core.http.keys import Key, setting_keys
from core.http.operation import Right

RIGHTS: tuple[Right, ...] = ("recommend", "personal")
"""What keys of the read API may do; one of SERVE_API_KEY may do both."""
Origin = Annotated[str, Meta(pattern=r"^(\*|[a-z][a-z0-9+.-]*://[^/\s]+)$")]


class ServeSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Variables with the prefix `SERVE_`."""

    host: str = "127.0.0.1"
    port: Port = 8081
    max_limit: Count = 100
    """Most items that one request may ask for."""
    models_timeout_ms: Count = 40
    """How long an answer waits for the visitor's model; then it does without."""
    contents_timeout_ms: Count = 1000
    """How long it waits for a catalogue that is asked in Qdrant; then what was kept answers."""
    timeout_s: Count = 2
    """How long a request may take before it answers 503."""
    max_batch_users: Count = 500
    """Most visitors of one batch."""
    batch_timeout_s: Count = 30
    """How long a whole batch may take before it answers 503."""
    api_key: str = ""
    """The keys, separated by commas, all of them valid."""
    require_key: bool = False
    """Whether recommendations need a key, too, and not only what is said of a visitor."""
    cors_origins: tuple[Origin, ...] = ()
    """Whose pages may ask from a browser; `*` is everybody's."""
    rate_per_minute: Annotated[int, Meta(ge=0)] = 0
    """Requests a minute of one key or else one address; 0 does not count them."""
    max_body_bytes: Count = 262_144

    def __post_init__(self) -> None:
        """A key that was meant must be one. Raises: ValueError."""
        _ = self.keys

    @property
    def keys(self) -> tuple[Key, ...]:
        """The keys of the setting."""
        return setting_keys(self.api_key, "SERVE_API_KEY", RIGHTS)

    def access(self, *, keys_file: str) -> AccessPolicy:
        """Who may ask for what; `keys_file` names one of further keys.

        Raises: ValueError where a key is asked for and there is none.
        """
        has_keys = bool(self.keys or keys_file)
        if self.require_key and not has_keys:
            raise ValueError(
                "SERVE_REQUIRE_KEY asks for a key: set SERVE_API_KEY or KEYS_FILE, too"
            )
        return AccessPolicy(
            has_keys=has_keys,
            require_key=self.require_key,
            is_local=is_loopback(self.host),
        )
