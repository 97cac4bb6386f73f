"""`Sources`: what answers are made from, by whichever adapters."""

from collections.abc import Callable

import msgspec

from core.answer_log.served import Record
from core.collective.collective import Collective
from core.policies.policies import Policies
from core.policies.shadows import ShadowReport
from core.popularity.views import ViewCounts
from core.ports import ContentStore, EventSource, UserModelStore
from core.standby import Standby
from serve_api.endpoints.replay import Replays


class Sources(msgspec.Struct, frozen=True, kw_only=True):
    """Where the read API reads.

    `models` are read by who would rather do without than wait, `patient_models`,
    which are the same, by who would rather wait. `views` gives what was counted
    last, `collective` what is known of all visitors together. `standby` stands in
    for a catalogue that is asked at every answer. By
    `policies` answers are made, the settings without them; `shadows` hears of
    those that are made and not shown. `record` gives, by the name of an endpoint,
    what is told of all that it serves; `replays` makes it again.
    """

    models: UserModelStore
    patient_models: UserModelStore
    contents: ContentStore
    events: EventSource
    views: Callable[[], ViewCounts | None]
    collective: Callable[[], Collective | None] = lambda: None
    standby: Standby | None = None
    record: Callable[[str], Record] | None = None
    replays: Replays | None = None
    policies: Policies | None = None
    shadows: ShadowReport | None = None
