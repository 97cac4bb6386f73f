"""`Overview`: one pass over a log, for what is counted and what experiments say."""

from collections.abc import Iterable

from core.evaluating.online import Seen, first_days, uplifts
from core.evaluating.report import ExperimentReport
from core.learning.logged import LoggedAnswer


class Overview:
    """What a log holds. Units: Unix milliseconds."""

    def __init__(self, answers: Iterable[LoggedAnswer]) -> None:
        """Read all of it."""
        self.answers = self.opened = self.explored = 0
        self.from_ms = self.to_ms = 0
        self._seen: dict[str, list[Seen]] = {}
        for answer in answers:
            self._count(answer)

    def experiments(self) -> tuple[ExperimentReport, ...]:
        """The variants in the order of their names, but for what is called a control."""
        return tuple(
            ExperimentReport(
                name=name,
                variants=tuple(
                    uplifts(
                        first_days(seen, until_ms=self.to_ms),
                        sorted({one.variant for one in seen}, key=_first_controls),
                    )
                ),
            )
            for name, seen in sorted(self._seen.items())
        )

    def _count(self, answer: LoggedAnswer) -> None:
        opened = sum(item.opened for item in answer.items)
        self.from_ms = min(self.from_ms or answer.at_ms, answer.at_ms)
        self.to_ms = max(self.to_ms, answer.at_ms)
        self.answers += 1
        self.opened += opened
        self.explored += answer.draw is not None
        if answer.experiment is not None and answer.variant is not None:
            self._seen.setdefault(answer.experiment, []).append(
                Seen(
                    person=answer.person,
                    variant=answer.variant,
                    at_ms=answer.at_ms,
                    opened=opened,
                )
            )


_CONTROLS = ("control", "as-is", "static", "baseline")


def _first_controls(variant: str) -> tuple[bool, str]:
    return variant not in _CONTROLS, variant
