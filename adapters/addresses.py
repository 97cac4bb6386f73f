"""Where Redis and Qdrant are and how they are reached: TLS, users, and what is wrong with it.

Everything about the connection to Redis goes into one URL, which both drivers
read the same way: ours and that of the stream consumer.
"""

import ssl
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

if TYPE_CHECKING:
    from adapters.settings import SharedSettings

_REDIS_SCHEMES = ("redis", "rediss", "unix")
_QDRANT_SCHEMES = ("http", "https")


def redis_address(settings: "SharedSettings") -> str:
    """REDIS_URL with user, password and what TLS needs; a secret, like the password in it."""
    if not settings.redis_url:
        return ""
    parts = urlsplit(settings.redis_url)
    place = parts.netloc
    if settings.redis_username or settings.redis_password:
        user = quote(settings.redis_username, safe="")
        place = f"{user}:{quote(settings.redis_password, safe='')}@{place}"
    files = {
        "ssl_ca_certs": settings.redis_ca_file,
        "ssl_certfile": settings.redis_cert_file,
        "ssl_keyfile": settings.redis_key_file,
    }
    given = urlencode({name: path for name, path in files.items() if path})
    query = "&".join(part for part in (parts.query, given) if part)
    return urlunsplit(parts._replace(netloc=place, query=query))


def qdrant_tls(settings: "SharedSettings") -> ssl.SSLContext | None:
    """Whom to trust as Qdrant; None for whomever the system trusts."""
    if not settings.qdrant_ca_file:
        return None
    return ssl.create_default_context(cafile=settings.qdrant_ca_file)


def address_problems(settings: "SharedSettings") -> Iterator[str]:
    """What is wrong with the addresses, each with its setting and never with its value."""
    yield from _url_problems("REDIS_URL", settings.redis_url, _REDIS_SCHEMES)
    yield from _url_problems("QDRANT_API_URL", settings.qdrant_api_url, _QDRANT_SCHEMES)
    redis = {
        "REDIS_CA_FILE": settings.redis_ca_file,
        "REDIS_CERT_FILE": settings.redis_cert_file,
        "REDIS_KEY_FILE": settings.redis_key_file,
    }
    qdrant = {"QDRANT_CA_FILE": settings.qdrant_ca_file}
    yield from _tls_problems(redis, "REDIS_URL", settings.redis_url, "rediss")
    yield from _tls_problems(qdrant, "QDRANT_API_URL", settings.qdrant_api_url, "https")
    if bool(settings.redis_cert_file) != bool(settings.redis_key_file):
        yield "REDIS_CERT_FILE, REDIS_KEY_FILE: the one is of no use without the other"
    if settings.redis_username and not settings.redis_password:
        yield "REDIS_USERNAME: there is no REDIS_PASSWORD"
    if settings.redis_password and "@" in settings.redis_url:
        yield "REDIS_PASSWORD: REDIS_URL has a user or a password already"


def _url_problems(name: str, url: str, schemes: Sequence[str]) -> Iterator[str]:
    """The driver would say what is wrong only at the first connection, without the name."""
    if not url:
        return
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises where it is no number
    except ValueError:  # what it says may quote a password that holds a slash
        yield (
            f"{name}: it is no URL; in a password write / ? # @ : and % as %2F %3F %23 %40 %3A %25"
        )
        return
    if parts.scheme not in schemes:
        yield f"{name}: it must start with one of {', '.join(schemes)}, then ://"


def _tls_problems(files: Mapping[str, str], name: str, url: str, scheme: str) -> Iterator[str]:
    """Files for a connection without TLS would be of no effect, and nobody would notice."""
    given = {setting: path for setting, path in files.items() if path}
    for setting, path in given.items():
        if not Path(path).is_file():
            yield f"{setting}={path!r}: there is no such file"
    if given and not url.startswith(f"{scheme}://"):
        yield f"{', '.join(given)}: {name} is without TLS, it must start with {scheme}://"
