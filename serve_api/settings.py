"""The settings of the serve side, read once from the environment."""

import msgspec

from core.config import Count, Port


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
