"""The three kinds of failure, so that every caller knows whether to try again.

EngineError
├── RetryableError      a dependency is away: the same call may work later
│   └── NoCatalogueError    nothing has been published yet
└── RejectedError       this input can never work: report it, never retry it
    └── ConfigError     the settings are wrong: the process must not start
Anything else that is raised is a bug and may crash loudly.
"""


class EngineError(Exception):
    """Root of every error that this project raises on purpose."""


class RetryableError(EngineError):
    """A dependency is away or out of room; the same call may succeed later."""


class NoCatalogueError(RetryableError):
    """There is no catalogue to answer from yet."""


class RejectedError(EngineError):
    """The input can never be used; a retry would fail in the same way."""


class ConfigError(RejectedError):
    """The settings, the event plan or the catalogue cannot be used."""
