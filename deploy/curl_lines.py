"""The three commands that `ai-engine run` prints for a first try."""

import json
from typing import Any

from deploy.local import LocalStack, fetch_json

_VISITOR = "ada"


def curl_lines(stack: LocalStack, *, asks_for_key: bool) -> str:
    """Send an event, look at the model, ask what next; with an item that exists."""
    answer: Any = fetch_json(
        f"{stack.serve_url}/api/recommend?user_id=first-look&limit=1&include_content=1"
    )
    item = answer["items"][0]
    event = {
        "type": "track",
        "event": "CONTENT_VIEW_ENDED",
        "userId": _VISITOR,
        "properties": {
            "content": {"content_id": item["content_id"]},
            "details": {"reason": "next_button", "dwell_seconds": 60},
        },
    }
    header = "-H 'Content-Type: application/json'"
    key = ' -H "X-API-Key: $INGEST_API_KEY"' if asks_for_key else ""
    return f"""
The pipeline runs. Try it from another terminal (Ctrl-C here stops it):

1. {_VISITOR} reads "{item["content"]["title"]}":
   curl -s '{stack.ingest_url}/api/ingest' {header}{key} \\
     -d '{json.dumps(event)}'

2. What is known of {_VISITOR} a moment later:
   curl -s '{stack.serve_url}/api/usermodel?user_id={_VISITOR}'

3. What to read next, and why:
   curl -s '{stack.serve_url}/api/recommend?user_id={_VISITOR}&limit=5&include_content=1'
"""
