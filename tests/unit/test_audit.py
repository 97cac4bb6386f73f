"""The dependency audit counts what was really answered, and is never green by not looking."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.audit.__main__ import main
from tests.audit.locked import locked

LOCK = """\
click==8.1.7 \\
    --hash=sha256:ae74fb96c20a0277a1d615f1e4d73c8414f5a98db8b799a7931d1582f3390c28
pywin32==306 ; sys_platform == 'win32' \\
    --hash=sha256:06d3420a5155ba65f0b72f2699b5bacf3109f36acbe8923765c22938a69dfc8d
six==1.16.0 \\
    --hash=sha256:8abb2f1d86890a2dfb989f9a77cfcfd3e47c2a354b01111771326f8aa26e0254
    # via click
"""
HOLE = {
    "id": "PYSEC-0",
    "affected": [
        {
            "package": {"name": "six", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.17"}]}],
        }
    ],
}


class Service(ThreadingHTTPServer):
    """Speaks as OSV does; knows holes by package, and fails for those it is told to."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.holes: dict[str, list[dict[str, Any]]] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1/query"


class Answer(BaseHTTPRequestHandler):
    """One query."""

    server: Service

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        holes = self.server.holes.get(asked["package"]["name"])
        body = json.dumps({"vulns": holes} if holes else {}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def service() -> Iterator[Service]:
    with Service() as service:
        thread = Thread(target=service.serve_forever)
        thread.start()
        yield service
        service.shutdown()
        thread.join()


def audit(url: str, folder: Path) -> int:
    lock = folder / "requirements.lock"
    lock.write_text(LOCK)
    return main(["-s", "osv", "--osv-url", url, "--cache-dir", str(folder / "cache")], [lock])


def test_all_audited_and_none_vulnerable_is_clean(
    service: Service, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert audit(service.url, tmp_path) == 0
    assert capsys.readouterr().out == "audited=2/2 vulnerable=0\n"


def test_a_vulnerable_version_is_named_with_what_mends_it(
    service: Service, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    service.holes["six"] = [HOLE]
    assert audit(service.url, tmp_path) == 1
    told = capsys.readouterr().out
    assert "vulnerable: six 1.16.0, PYSEC-0, mended in 1.17" in told
    assert "audited=2/2 vulnerable=1" in told


def test_where_nobody_answers_nothing_was_audited(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert audit("http://127.0.0.1:9/", tmp_path) == 2
    assert capsys.readouterr().out.endswith("audited=0/2 vulnerable=0\nnot audited\n")


def test_what_other_platforms_would_install_is_not_counted() -> None:
    assert list(locked(LOCK)) == [("click", "8.1.7"), ("six", "1.16.0")]


def test_every_lock_file_can_be_read() -> None:
    for lock in Path(__file__).parents[2].glob("requirements*.lock"):
        assert {"click", "msgspec"} <= {name for name, _ in locked(lock.read_text())}
