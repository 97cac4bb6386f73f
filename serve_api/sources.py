"""What the read API reads from."""

import msgspec

from core.ports import ContentStore, EventSource, UserModelStore


class Sources(msgspec.Struct, frozen=True, kw_only=True):
    """The visitors' models and events, and the catalogue.

    `patient_models` are the same as `models`, for operations that would rather
    wait for a model than do without.
    """

    models: UserModelStore
    patient_models: UserModelStore
    contents: ContentStore
    events: EventSource
