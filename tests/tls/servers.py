"""A Redis that is reached over TLS alone, and the certificates of a museum and of a stranger."""

import hashlib
import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import trustme

from deploy.valkey import free_port
from tests.bench.servers import child_environ

_USERS = Path(__file__).parents[2] / "deploy" / "redis" / "users.acl.example"
PASSWORDS = {"ingest": "of the ingest side", "serve": "of the read API: a/b@c"}
_READY_WITHIN_S = 10.0


class Certificates:
    """A certificate authority, and what it has signed, as files."""

    def __init__(self, folder: Path, *, host: str = "127.0.0.1") -> None:
        """Make them."""
        folder.mkdir(parents=True, exist_ok=True)
        authority = trustme.CA()
        self.authority = folder / "ca.pem"
        authority.cert_pem.write_to_path(str(self.authority))
        self.server, self.server_key = self._issued(authority, folder, host)
        self.client, self.client_key = self._issued(authority, folder, "worker.museum")

    @staticmethod
    def _issued(authority: trustme.CA, folder: Path, name: str) -> tuple[Path, Path]:
        signed = authority.issue_cert(name)
        chain, key = folder / f"{name}.pem", folder / f"{name}.key"
        signed.cert_chain_pems[0].write_to_path(str(chain))
        signed.private_key_pem.write_to_path(str(key))
        return chain, key


class TlsRedis:
    """Debian's redis-server with users as the example has them; clients must have a certificate."""

    def __init__(self, folder: Path, certificates: Certificates) -> None:
        """Start it and wait until it answers. Raises: RuntimeError if it does not."""
        binary = shutil.which("redis-server")
        if binary is None:
            raise RuntimeError("there is no redis-server on this machine")
        self.port = free_port()
        self.certificates = certificates
        users = folder / "users.acl"
        users.write_text(with_passwords(_USERS.read_text(), PASSWORDS))
        options = {
            "port": "0",
            "tls-port": str(self.port),
            "bind": "127.0.0.1",
            "tls-cert-file": str(certificates.server),
            "tls-key-file": str(certificates.server_key),
            "tls-ca-cert-file": str(certificates.authority),
            "dir": str(folder),
            "save": "",
            "aclfile": str(users),
        }
        arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
        with (folder / "redis.log").open("wb") as log:
            self._process = subprocess.Popen(
                [binary, *arguments], stdout=log, stderr=log, env=child_environ()
            )
        self._wait(folder / "redis.log")

    def settings(self, user: str = "ingest", **more: str) -> dict[str, str]:
        """What a process is told to reach it as one of the users."""
        certificates = self.certificates
        return {
            "REDIS_URL": f"rediss://127.0.0.1:{self.port}/0",
            "REDIS_USERNAME": user,
            "REDIS_PASSWORD": PASSWORDS[user],
            "REDIS_CA_FILE": str(certificates.authority),
            "REDIS_CERT_FILE": str(certificates.client),
            "REDIS_KEY_FILE": str(certificates.client_key),
        } | more

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait()

    def _wait(self, log: Path) -> None:
        deadline = time.monotonic() + _READY_WITHIN_S
        while b"Ready to accept connections" not in log.read_bytes():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"redis-server does not start: {log.read_text()[-500:]}")
            time.sleep(0.02)


def with_passwords(users: str, passwords: Mapping[str, str]) -> str:
    """The users of the example with the digests of real passwords."""
    for user, password in passwords.items():
        digest = hashlib.sha256(password.encode()).hexdigest()
        users = users.replace(f"HASH_OF_{user.upper()}_PASSWORD", digest)
    return users
