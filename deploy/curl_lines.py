"""The three commands that `ai-engine run` prints for a first try."""

import json
import shlex

_VISITOR = "ada"


def curl_lines(
    *,
    ingest_url: str,
    serve_url: str,
    worker_url: str | None,
    content_id: str,
    title: str,
    ingest_keys: str,
    serve_keys: str,
    recommend_needs_key: bool,
) -> str:
    """Send an event about an item that exists, look at the model, ask what next.

    Pasted together they work too: the second waits for the model.
    """
    event = {
        "type": "track",
        "event": "CONTENT_VIEW_ENDED",
        "userId": _VISITOR,
        "properties": {
            "content": {"content_id": content_id},
            "details": {"reason": "next_button", "dwell_seconds": 60},
        },
    }
    key, serve_key = _header("INGEST_API_KEY", ingest_keys), _header("SERVE_API_KEY", serve_keys)
    recommend_key = serve_key if recommend_needs_key else ""
    metrics = [url for url in (ingest_url, worker_url, serve_url) if url is not None]
    data = shlex.quote(json.dumps(event))
    patience = "--retry 9 --retry-delay 1 --retry-all-errors -f"
    return f"""
The pipeline runs. Try it from another terminal (Ctrl-C here stops it):

1. {_VISITOR} reads "{title}":
   curl -s {ingest_url}/api/ingest -H 'Content-Type: application/json'{key} -d {data}

2. What is known of {_VISITOR} a moment later:
   curl -s {patience} '{serve_url}/api/usermodel?user_id={_VISITOR}'{serve_key}

3. What to read next, and why:
   curl -s '{serve_url}/api/recommend?user_id={_VISITOR}&limit=5&include_content=1'{recommend_key}

What else can be asked, to try in a browser: {ingest_url}/docs, {serve_url}/docs
Metrics for Prometheus: {", ".join(f"{url}/metrics" for url in metrics)}
"""


def _header(variable: str, keys: str) -> str:
    """A header with the first of the keys; the shell knows them, and nothing prints them."""
    if not keys:
        return ""
    first = f"${{{variable}%%,*}}" if "," in keys else f"${variable}"
    return f' -H "X-API-Key: {first}"'
