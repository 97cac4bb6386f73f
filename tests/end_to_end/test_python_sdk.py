"""The real rudder-sdk-python, pointed at the webhook."""

import subprocess
import sys

import pytest

from tests.end_to_end.client import Pipeline, visitor

# Without retries, so that an answer the SDK does not take for success is an error.
_SCRIPT = """
import sys
from rudderstack.analytics.client import Client

url, user = sys.argv[1:]
failed = []
client = Client(
    "WRITE_KEY", host=url, max_retries=0, on_error=lambda error, batch: failed.append(error)
)
for number in range(250):
    properties = {"content": {"content_id": f"content_{number}"}, "odd": float("nan")}
    client.track(user, "CONTENT_VIEW_STARTED", properties)
client.identify(user, {"age": 30, "email": "someone@example.com"}, anonymous_id="anonymous")
client.page(user, "Docs", "Home")
client.screen(user, "Shop", "Cart")
client.group(user, "group-1", {"name": "Acme"})
client.alias("previous", user)
client.shutdown()
sys.exit(f"not delivered: {failed}" if failed else 0)
"""


@pytest.mark.parametrize("path", ["", "/api/ingest"])
def test_the_python_sdk_delivers_everything_without_a_retry(pipeline: Pipeline, path: str) -> None:
    user = visitor()
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT, pipeline.ingest_url + path, user],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    model = pipeline.model_of(user, events=255)
    assert model["window"]["events"] == 255
    assert model["demographics"] == {"age_group": "adult"}
