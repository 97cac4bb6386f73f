"""Where RudderStack and its SDKs post."""

from collections.abc import Iterator

CALLS = ("identify", "track", "page", "screen", "group", "alias", "merge")
INGEST_PATH = "/api/ingest"
USERS_PATH = "/api/users"
ERASE_PATH = "/api/erase"


def ingest_paths() -> Iterator[str]:
    """An SDK adds its path to whatever URL it is given, some with a slash at its end."""
    sdk_paths = ("/v1/batch", *(f"/v1/{call}" for call in CALLS))
    for path in (INGEST_PATH, *sdk_paths, *(f"{INGEST_PATH}{path}" for path in sdk_paths)):
        yield path
        yield f"{path}/"
