"""All settings of the webhook and of the worker, and what they must be together."""

from collections.abc import Mapping

from adapters.settings import SharedSettings, read_settings
from core.config import Positive
from core.errors import ConfigError
from core.normalizing.limits import EventLimits
from ingest_worker.settings import IngestSettings, WorkerSettings


class IngestProcess(SharedSettings, frozen=True, kw_only=True):
    """All settings of the webhook and of the worker."""

    ingest: IngestSettings = IngestSettings()
    event: EventLimits = EventLimits()
    worker: WorkerSettings = WorkerSettings()
    erase_term_days: Positive = 60.0
    """How long whatever comes of an erased person is refused; longer than the window."""

    @property
    def erase_term_ms(self) -> int:
        """The same in milliseconds."""
        return round(self.erase_term_days * 86_400_000)


def ingest_settings(environ: Mapping[str, str]) -> IngestProcess:
    """Read the settings of a webhook or worker that runs by itself.

    Raises: ConfigError naming every bad variable, and where there is no Redis:
        the events would be kept in a memory that nobody reads.
    """
    settings = read_settings(IngestProcess, environ)
    check_term(settings)
    if not settings.redis_url:
        raise ConfigError(
            "REDIS_URL is unset: a webhook or worker by itself needs Redis, or the events it "
            "accepts reach nobody; for everything in one process start `ai-engine run`"
        )
    return settings


def check_term(settings: IngestProcess) -> None:
    """Raise ConfigError where an erased person could come back with what is still in the window."""
    if settings.erase_term_ms <= settings.model.window_ms:
        raise ConfigError(
            f"bad settings:\n  ERASE_TERM_DAYS={settings.erase_term_days:g}: it must be more than "
            f"SIGNALS_WINDOW_DAYS={settings.signals.window_days:g}"
        )
