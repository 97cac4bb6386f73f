"""Moments as an operator reads and writes them."""

from datetime import UTC, datetime

import click

from core.normalizing.clock import parse_time


def moment(ms: int) -> str:
    """Unix milliseconds as ISO 8601."""
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds")


def read_moment(text: str) -> int:
    """ISO 8601, or Unix seconds or milliseconds, as milliseconds."""
    found = parse_time(float(text) if text.replace(".", "", 1).isdigit() else text)
    if found is None:
        raise click.UsageError(f"{text!r} is no moment: write it as 2026-11-24T09:30:00Z")
    return found
