"""`/docs` in a browser: it opens, asks the service, shows the answer, and calls nobody else."""

import asyncio
import shutil
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from starlette.types import ASGIApp

from adapters.process import serve_http
from tests.api.services import KEY, read_api, webhook

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_WAIT_MS = 20_000
"""Long, for busy machines."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A Chromium of this machine."""
    found = next((path for name in _NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("no Chromium on this machine")
    expect.set_options(timeout=_WAIT_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def served(app: ASGIApp) -> Iterator[str]:
    """The URL of an application that is served as it is in production."""
    port: list[int] = []
    opened = threading.Event()
    handles: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    def told(opened_port: int) -> None:
        port.append(opened_port)
        opened.set()

    async def serve() -> None:
        stopping = asyncio.Event()
        handles.append((asyncio.get_running_loop(), stopping))
        await serve_http(app, "127.0.0.1", 0, stopping, told)

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    assert opened.wait(20)
    try:
        yield f"http://127.0.0.1:{port[0]}"
    finally:
        [(loop, stopping)] = handles
        loop.call_soon_threadsafe(stopping.set)
        thread.join()


class Visit:
    """A page of documentation, what it asked for, and what went wrong in it."""

    def __init__(self, browser: Browser, url: str) -> None:
        self.page: Page = browser.new_page()
        self.page.set_default_timeout(_WAIT_MS)
        self.hosts: set[str] = set()
        self.complaints: list[str] = []
        self.page.on("request", lambda it: self.hosts.add(urlsplit(it.url).netloc))
        self.page.on("console", self._complain)
        self.page.on("pageerror", lambda it: self.complaints.append(str(it)))
        self.page.goto(f"{url}/docs")

    def _complain(self, message: object) -> None:
        if getattr(message, "type", "") in ("error", "warning"):
            self.complaints.append(getattr(message, "text", ""))

    def execute(self, operation: str) -> None:
        """Open an operation and send its example."""
        block = self.page.locator(f"[id$='-{operation}']")
        block.locator(".opblock-summary").first.click()
        block.locator("button.execute").click()
        self.status = block.locator(".live-responses-table tr.response .response-col_status")
        self.body = block.locator(".live-responses-table tr.response .response-col_description")
        self.snippets = block.locator(".request-snippets")


def test_recommendations_can_be_tried_and_nobody_else_is_called(browser: Browser) -> None:
    with served(read_api()) as url:
        visit = Visit(browser, url)
        visit.execute("recommend")
        expect(visit.status).to_contain_text("200")
        expect(visit.body).to_contain_text("request_id")
        expect(visit.snippets).to_contain_text("curl")
        visit.snippets.get_by_text("JavaScript", exact=True).click()
        expect(visit.snippets).to_contain_text("await fetch(")
        assert visit.hosts - {""} == {urlsplit(url).netloc}
        assert visit.complaints == []


def test_a_key_that_is_typed_in_is_sent_and_forgotten_with_the_page(browser: Browser) -> None:
    with served(webhook(api_key=KEY)) as url:
        visit = Visit(browser, url)
        visit.page.locator("button.authorize").first.click()
        visit.page.locator(".auth-container input").first.fill(KEY)
        visit.page.locator(".auth-container button.authorize").first.click()
        visit.page.locator(".auth-container button.btn-done").first.click()
        visit.execute("ingest_post")
        expect(visit.status).to_contain_text("200")
        expect(visit.body).to_contain_text("accepted")
        assert visit.hosts - {""} == {urlsplit(url).netloc}
        assert visit.page.evaluate("localStorage.length") == 0


def test_a_page_of_a_named_origin_reads_answers_and_another_does_not(browser: Browser) -> None:
    with ExitStack() as stack:
        origin = stack.enter_context(served(webhook()))
        url = stack.enter_context(served(read_api(cors_origins=(origin,), rate_per_minute=9)))
        context = browser.new_context(bypass_csp=True)
        page = context.new_page()
        ask = f"fetch('{url}/api/recommend?user_id=ada', {{headers: {{'X-API-Key': 'x'}}}})"
        page.goto(f"{origin}/healthz")
        found = page.evaluate(f"{ask}.then(it => [it.status, it.headers.get('RateLimit')])")
        assert found == [200, '"minute";r=8;t=7']
        page.goto(f"{origin.replace('127.0.0.1', 'localhost')}/healthz")
        refused = page.evaluate(f"{ask}.then(() => 'read', () => 'refused')")
        assert refused == "refused"
        context.close()
