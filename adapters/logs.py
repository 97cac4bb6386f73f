"""structlog, set up once a process: JSON lines for machines, colours on a terminal.

Nobody writes a visitor's id or an address into a line; where an error's own text
has one in it, it is masked here.
"""

import logging
import re
import sys
from types import TracebackType
from typing import Any

import structlog

from core.log_names import PROCESS_CRASHED
from core.normalizing.personal import masked

_USER_OF_KEY = re.compile(r"(?<=[a-z]:)\{(?!(?:queue-)?\d+\})[^{}]*\}")
"""What stands in braces in the name of a Redis key, but for the numbers of shards."""

_log = structlog.get_logger()


def configure_logs(log_format: str, level: str) -> None:
    """Set up structlog and the standard library's loggers behind it."""
    console = log_format == "console" or (log_format == "auto" and sys.stderr.isatty())
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer() if console else structlog.processors.JSONRenderer()
    )
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.format_exc_info, without_persons, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                without_persons,
                renderer,
            ],
            foreign_pre_chain=shared,
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(max(logging.WARNING, logging.getLevelName(level.upper())))
    sys.excepthook = _crashed


def without_persons(
    _: Any, __: str, line: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """A log line with every address, telephone number and user of a key masked.

    Addresses of this machine and of private networks stay: they are those of our servers.
    """
    return {name: _masked(value) for name, value in line.items()}


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return masked(_USER_OF_KEY.sub("{…}", value), keep_private=True)
    if isinstance(value, dict):
        return {_masked(name): _masked(one) for name, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_masked(one) for one in value]
    return value if isinstance(value, int | float) or value is None else _masked(str(value))


def _crashed(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """What ends the process is a line, too: Python itself would show the error's text as it is."""
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
    else:
        _log.critical(PROCESS_CRASHED, exc_info=(kind, error, trace))
