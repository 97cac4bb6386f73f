"""`Shadows`: answers that are made beside the shown one, and told to a report only."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from core.policies.contexts import shadow_context
from core.policies.experiments import Choice, Variant
from core.ranking.context import AnswerContext
from core.ranking.listing import Listing
from core.recommendation import Recommendation


class ShadowReport(Protocol):
    """Who hears of answers that nobody sees."""

    def made(
        self, experiment: str, shadow: Variant, shown: Recommendation, other: Recommendation
    ) -> None:
        """This was shown, and the variant would have shown the other."""
        ...

    def failed(self, experiment: str, shadow: Variant, error: Exception) -> None:
        """There is no such answer."""
        ...


async def make_shadows(
    choice: Choice,
    shown: Recommendation,
    context: AnswerContext,
    remade: Callable[[AnswerContext], Awaitable[tuple[Listing, Recommendation]]],
    report: ShadowReport,
) -> None:
    """Make what the shadows of an experiment would have answered, one after the other."""
    for shadow in choice.shadows:
        try:
            _, other = await remade(shadow_context(context, shadow))
        except Exception as exc:
            # The visitor has a good answer already, whatever is wrong with the other.
            report.failed(choice.experiment or "", shadow, exc)
        else:
            report.made(choice.experiment or "", shadow, shown, other)
