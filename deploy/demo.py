"""`ai-engine demo`: one visitor's day, told so that anybody can follow it."""

import os
import tempfile
import textwrap
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from deploy.local import LocalStack, fetch_json
from deploy.valkey import free_port

Say = Callable[[str], None]

_VISITOR = "mila"
_LIMIT = 6
_MODEL_WITHIN_S = 10.0
_WIDTH = 88
_STORIES = {
    "vedem-petr-ginz-terezin": "Petr Ginz and his magazine",
    "amsterdam-anne-frank-house": "Anne Frank's hiding place",
    "hamburg-st-nikolai": "the ruined church of St. Nikolai",
    "tanya-savicheva-leningrad": "Tanya Savicheva's diary",
}


_OF_ANOTHER_DAY = frozenset(
    {
        "CATALOGUE",
        "EMBEDDER",
        "EVENT_PLAN",
        "EXPERIMENTS_FILE",
        "KEYS_FILE",
        "LOG_URL",
        "RANKER_FILE",
    }
)


def show_demo(say: Say) -> None:
    """Run the pipeline on free ports in a temporary folder and tell the day.

    Raises: RuntimeError if a part does not do what it should.
    """
    # The day is about the bundled stories, whatever else this shell has set up.
    environ = {
        name: value
        for name, value in os.environ.items()
        if name not in _OF_ANOTHER_DAY
        and not name.startswith(("CONTENT_", "INGEST_API_KEY", "QDRANT_", "REDIS_", "SERVE_"))
    }
    with (
        tempfile.TemporaryDirectory(prefix="ai-engine-demo-") as folder,
        LocalStack(
            Path(folder), ingest_port=free_port(), serve_port=free_port(), environ=environ
        ) as stack,
    ):
        _tell(stack, say)


def _tell(stack: LocalStack, say: Say) -> None:
    say(
        _wrap(
            "Mila, sixteen, visits a war memorial. Her app tells RudderStack what she opens and "
            "how long she reads; RudderStack passes it on to this service. It knows nothing of "
            "her yet, so it offers a varied list:"
        )
    )
    before = _recommend(stack)
    say(_listed(before))
    for step in _day(before):
        say(f"  {step['time']}  {step['told']}")
        answer: Any = fetch_json(
            f"{stack.ingest_url}/v1/batch",
            {"batch": step["events"], "sentAt": step["events"][-1]["originalTimestamp"]},
            {"Content-Type": "application/json"},
        )
        if answer["accepted"] != len(step["events"]):
            raise RuntimeError(f"the webhook took {answer} of {step['events']}")
    model = _model(stack, events=sum(len(step["events"]) for step in _day(before)))
    say("\nWhat was learnt from that, a moment later:\n")
    say(_learnt(model))
    say("\nAnd what the service now offers her, unread stories only, with the reason:")
    after = _recommend(stack)
    say(_listed(after, model))
    age = after["diagnostics"]["model_age_ms"]
    say(
        _wrap(
            f"Every number behind this list can be added up by hand: it was ranked from "
            f"{after['diagnostics']['pool_size']} candidates with a model {age} ms old. "
            "Run `make run` to send your own events."
        )
    )


def _recommend(stack: LocalStack) -> Any:
    return fetch_json(
        f"{stack.serve_url}/api/recommend?user_id={_VISITOR}&limit={_LIMIT}&include_content=1"
    )


def _model(stack: LocalStack, events: int) -> Any:
    """The model once it has seen the whole day."""
    deadline = time.monotonic() + _MODEL_WITHIN_S
    model: Any = None
    while time.monotonic() < deadline:
        try:
            model = fetch_json(f"{stack.serve_url}/api/usermodel?user_id={_VISITOR}")
        except OSError:
            model = None
        if model is not None and model["window"]["events"] >= events:
            return model
        time.sleep(0.05)
    raise RuntimeError(f"the model did not follow within {_MODEL_WITHIN_S:.0f} s: {model}")


def _day(before: Any) -> list[dict[str, Any]]:
    """What Mila does. The stories beside the first one are those she was offered."""
    offered = [item["content_id"] for item in before["items"]]
    return [
        {
            "time": "09:58",
            "told": "She tells the app her age and that she wants to hear about childhood.",
            "events": [
                _event(118, "identify", traits={"age": 16}),
                _track(118, "SURVEY_SUBMITTED", answers={"q:personalization_theme": "Childhood"}),
            ],
        },
        {
            "time": "10:02",
            "told": "She reads the story of Petr Ginz and his magazine to the end and goes on.",
            "events": _read("vedem-petr-ginz-terezin", 114, 62, "next_button", offered),
        },
        {
            "time": "10:05",
            "told": "She reads about Anne Frank's hiding place, slowly, and follows a link.",
            "events": _read("amsterdam-anne-frank-house", 111, 75, "link", ()),
        },
        {
            "time": "10:08",
            "told": "She opens the ruined church of St. Nikolai and leaves after four seconds.",
            "events": _read("hamburg-st-nikolai", 108, 4, "abandon", ()),
        },
        {
            "time": "10:09",
            "told": "She reads Tanya Savicheva's diary, closes it and gives it five stars.",
            "events": [
                *_read("tanya-savicheva-leningrad", 107, 58, "close_button", ()),
                _track(
                    105,
                    "SURVEY_ANSWERED",
                    content={"content_id": "content_tanya-savicheva-leningrad"},
                    details={"rating": 5},
                ),
            ],
        },
    ]


def _read(
    story: str, minutes_ago: float, seconds: int, reason: str, beside: Sequence[str]
) -> list[dict[str, Any]]:
    content = {"content_id": f"content_{story}"}
    details = {"reason": reason, "dwell_seconds": seconds}
    return [
        _track(
            minutes_ago,
            "CONTENT_VIEW_STARTED",
            content=content,
            context={"candidates": [f"content_{other}" for other in beside]},
        ),
        _track(minutes_ago - seconds / 60, "CONTENT_VIEW_ENDED", content=content, details=details),
    ]


def _track(minutes_ago: float, event: str, **properties: Any) -> dict[str, Any]:
    return _event(minutes_ago, "track", event=event, properties=properties)


def _event(minutes_ago: float, kind: str, **parts: Any) -> dict[str, Any]:
    moment = time.time() - minutes_ago * 60
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(moment)) + ".000Z"
    return {
        "type": kind,
        "userId": _VISITOR,
        "messageId": f"demo-{kind}-{parts.get('event', '')}-{minutes_ago:.3f}",
        "originalTimestamp": stamp,
        "timestamp": stamp,
        "context": {"sessionId": 1732435200123},
        **parts,
    }


def _learnt(model: Mapping[str, Any]) -> str:
    behavior = model["behavior"]
    lines = [
        f"She likes:    {_names(model['positives'])}",
        f"She left:     {_names(_explicit(model))}",
        f"Drawn to:     {_names(model['tag_affinity'])}",
        f"Turns from:   {_names(model['tag_aversion'])}",
        f"Reads:        {behavior['average_dwell_ratio'] * 2:.0%} of an item's reading time",
        f"Finishes:     {behavior['completion_rate']:.0%} of what she opens",
        f"About her:    {', '.join(f'{k} {v}' for k, v in model['demographics'].items())}",
    ]
    hanging = " " * 16
    return "\n".join(
        textwrap.fill(line, _WIDTH, initial_indent="  ", subsequent_indent=hanging)
        for line in lines
    )


def _explicit(model: Mapping[str, Any]) -> dict[str, float]:
    return {item: s for item, s in model["negatives"].items() if item in model["viewed"]}


def _names(strengths: Mapping[str, float]) -> str:
    top = list(strengths.items())[:5]
    named = (f"{_STORIES.get(name, name)} ({strength:+.2f})" for name, strength in top)
    return ", ".join(named) or "nothing yet"


def _listed(answer: Any, model: Mapping[str, Any] | None = None) -> str:
    lines = []
    for item in answer["items"]:
        content = item["content"]
        lines.append(f"  {item['rank']}. {content['title']} ({content['place']})")
        if model is not None:
            lines += [f"     {_reason(content, model)}", f"     {_sum(item)}"]
    return "\n" + "\n".join(lines) + "\n"


def _reason(content: Mapping[str, Any], model: Mapping[str, Any]) -> str:
    """What the item shares with what she is drawn to, and with what she turns from."""
    shared = [_label(tag) for tag in model["tag_affinity"] if tag in content["tags"]]
    shunned = [
        _label(tag)
        for tag in model["tag_aversion"]
        if tag in content["tags"] and tag not in model["tag_affinity"]
    ]
    why = f"because of {', '.join(shared[:4])}" if shared else "because of its words"
    return f"{why}; in spite of {', '.join(shunned[:2])}" if shunned else why


def _label(tag: str) -> str:
    return tag.partition(":")[2]


def _sum(item: Mapping[str, Any]) -> str:
    parts = sorted(item["contributions"].items(), key=lambda part: -abs(part[1]))
    return f"{item['score']:.3f} = " + "  ".join(
        f"{name} {value:+.3f}" for name, value in parts if value
    )


def _wrap(text: str) -> str:
    return textwrap.fill(text, _WIDTH)
