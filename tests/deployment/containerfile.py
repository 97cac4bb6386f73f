"""Reads a Containerfile: its stages, and in each of them its steps."""

import re
from collections.abc import Iterator
from itertools import takewhile

import msgspec


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One instruction: `RUN`, and what it says."""

    word: str
    text: str


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """What stands between one `FROM` and the next."""

    name: str
    base: str
    steps: tuple[Step, ...]

    def texts(self, word: str) -> list[str]:
        """What the instructions of one kind say."""
        return [step.text for step in self.steps if step.word == word]


def read_stages(text: str) -> list[Stage]:
    """The stages in their order; `ARG` before the first one names their bases."""
    steps = list(_steps(text))
    before = takewhile(lambda step: step.word != "FROM", steps)
    arguments = dict(step.text.split("=", 1) for step in before)
    starts = [index for index, step in enumerate(steps) if step.word == "FROM"]
    stages = []
    for start, end in zip(starts, [*starts[1:], len(steps)], strict=True):
        base, _, name = steps[start].text.partition(" AS ")
        for argument, value in arguments.items():
            base = base.replace(f"${{{argument}}}", value)
        stages.append(Stage(name=name, base=base, steps=tuple(steps[start + 1 : end])))
    return stages


def _steps(text: str) -> Iterator[Step]:
    lines = [line for line in text.splitlines() if line.strip() and line.lstrip()[0] != "#"]
    for line in re.sub(r"\\\n\s*", "", "\n".join(lines)).split("\n"):
        word, _, rest = line.partition(" ")
        yield Step(word=word, text=rest.strip())
