"""Qdrant's engine behind a part of its REST API, for tests: no server for anything else."""

import argparse
from pathlib import Path

from tests.qdrant_edge.serving import listen, serve


def main() -> None:
    """Print the URL, then serve until a signal comes."""
    parser = argparse.ArgumentParser(prog="python -m tests.qdrant_edge", description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="where the collections lie")
    parser.add_argument("--port", type=int, default=0, help="of 127.0.0.1; 0 takes a free one")
    parser.add_argument("--api-key", default="", help="what clients must send; open without")
    asked = parser.parse_args()
    listener = listen(asked.port)
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)  # noqa: T201 - its answer
    serve(asked.folder, listener, api_key=asked.api_key)


if __name__ == "__main__":
    main()
