"""Visitors with a history, and the models that the worker would have built of them."""

from collections.abc import Sequence

from adapters.memory.event_buffer import InMemoryEventBuffer
from adapters.plans.toml import read_plan
from adapters.process import clock_ms
from adapters.settings import SharedSettings
from core.modelling.build import ModelBasis
from core.normalizing.mapping import EventMapper
from core.ports import ContentStore, UserModelStore
from core.signals import UserSignals
from core.updater import UserModelUpdater
from tests.bench.payloads import history, item_ids


def basis_of(settings: SharedSettings) -> ModelBasis:
    """What every model is built by."""
    return ModelBasis.of(read_plan(settings.event_plan), settings.model)


async def save_models(
    users: Sequence[str],
    events: int,
    contents: ContentStore,
    models: UserModelStore,
    items: Sequence[str] = (),
) -> list[UserSignals]:
    """Build the models of visitors with so many events each, and store them.

    The events are about `items`, or about any of the catalogue's.
    """
    settings = SharedSettings()
    basis = basis_of(settings)
    buffer = InMemoryEventBuffer(
        window_ms=basis.config.window_ms, max_events=settings.max_events_per_user
    )
    items = items or await item_ids(contents)
    for user in users:
        found = history(user, events, items, EventMapper(basis.plan))
        await buffer.append(found, now_ms=clock_ms())
    updater = UserModelUpdater(buffer, models, contents, basis)
    refreshed = await updater.refresh(*users, now_ms=clock_ms())
    return [one.signals for one in refreshed if one.signals is not None]
