"""What a worker counts and times, and that nothing that goes wrong makes it look better."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from core.errors import RetryableError
from core.normalizing.reasons import REJECT_REASONS
from core.queues import Debounce, DueUser, QueueDepth, RawBatch, ShardState
from core.signals import UserSignals
from core.updater import Refreshed
from ingest_worker.metrics import StreamGauges, WorkerMetrics
from tests.build import DAY_MS, raw_batch
from tests.unit.ingest_loop import AGAIN_MS, Loop, Pending, keeper, page


def aged(user_id: str, days: float, now_ms: int) -> dict[str, Any]:
    return page(user_id) | {"timestamp": now_ms - days * DAY_MS}


class TestBatches:
    async def test_what_a_batch_held_is_counted(self) -> None:
        loop = Loop()
        await loop.handle(page("u1"), page("u2"), aged("u3", 31, loop.now_ms))
        await loop.handle(page("u1"))
        assert loop.value("handled_entries_total") == 2
        assert loop.value("applied_events_total") == 3
        assert loop.value("expired_events_total") == 1
        assert loop.value("batch_seconds_count") == 2

    async def test_rejected_events_are_counted_by_their_reason(self) -> None:
        loop = Loop()
        await loop.handle({"type": "page"}, {"type": "warp", "userId": "u"}, {"type": "page"}, 5)  # type: ignore[arg-type]
        counts = {
            reason: loop.value("rejected_events_total", reason=reason) for reason in REJECT_REASONS
        }
        assert {reason: count for reason, count in counts.items() if count} == {
            "no_user": 2,
            "unknown_type": 1,
            "not_an_object": 1,
        }
        assert loop.value("applied_events_total") == 0

    async def test_what_is_not_stored_is_not_counted(self) -> None:
        loop = Loop()

        async def append(*_: object, **__: object) -> frozenset[str]:
            raise RetryableError("away")

        loop.buffer.append = append  # type: ignore[method-assign]
        with pytest.raises(RetryableError):
            await loop.handle(page("u1"), {"type": "page"})
        assert loop.value("handled_entries_total") == 0
        assert loop.value("applied_events_total") == 0
        assert loop.value("rejected_events_total", reason="no_user") == 0


class TestFreshness:
    async def test_it_is_measured_from_the_oldest_event_that_no_model_has(self) -> None:
        loop = Loop()
        for _ in range(3):
            await loop.handle(page("u1"))
            loop.now_ms += 1_000
        await loop.refresher.refresh_round()
        for name in ("refresh_wait_seconds", "freshness_seconds"):
            assert loop.value(f"{name}_count") == 1
            assert loop.value(f"{name}_sum") == pytest.approx(3.0)

    async def test_it_counts_from_when_the_entry_was_stored_not_from_when_it_was_sent(self) -> None:
        loop = Loop()
        body = b'[{"type": "page", "userId": "u1"}]'
        again = RawBatch(
            entry_id="1-0",
            body=body,
            stored_ms=loop.now_ms - 2_000,
            received_ms=loop.now_ms - DAY_MS,
        )
        await loop.handler.handle([again, raw_batch("2-0", body, loop.now_ms - 500)])
        await loop.refresher.refresh_round()
        assert loop.value("freshness_seconds_sum") == pytest.approx(2.0)

    async def test_a_new_event_after_a_refresh_counts_from_its_own_acceptance(self) -> None:
        loop = Loop()
        await loop.handle(page("u1", "m1"))
        await loop.refresher.refresh_round()
        loop.now_ms += 60_000
        await loop.handle(page("u1", "m2"))
        loop.now_ms += 500
        await loop.refresher.refresh_round()
        assert loop.value("freshness_seconds_count") == 2
        assert loop.value("freshness_seconds_sum") == pytest.approx(0.5)

    async def test_the_save_is_the_end_and_the_start_of_the_round_the_end_of_the_wait(self) -> None:
        loop = Loop()
        await loop.handle(page("u1"))
        loop.now_ms += 1_000
        save = loop.models.save_signals

        async def slow(models: Sequence[UserSignals]) -> Sequence[bool]:
            loop.now_ms += 2_000
            return await save(models)

        loop.models.save_signals = slow  # type: ignore[method-assign]
        await loop.refresher.refresh_round()
        assert loop.value("refresh_wait_seconds_sum") == pytest.approx(1.0)
        assert loop.value("freshness_seconds_sum") == pytest.approx(3.0)
        assert loop.value("refresh_seconds_sum") == pytest.approx(2.0)

    async def test_a_killed_refresher_does_not_make_it_look_better(self) -> None:
        loop = Loop()
        await loop.handle(page("u1"))
        [_] = await loop.queue.pop(limit=9, now_ms=loop.now_ms)  # by a worker that dies now
        loop.now_ms += Debounce().lease_ms
        await loop.refresher.refresh_round()
        assert loop.value("freshness_seconds_count") == 1
        assert loop.value("freshness_seconds_sum") == pytest.approx(30.0)
        assert loop.value("refresh_wait_seconds_sum") == pytest.approx(30.0)

    async def test_neither_does_a_round_that_fails(self) -> None:
        loop = Loop()
        await loop.handle(page("u1"))

        async def away(*_: object, **__: object) -> Sequence[Refreshed]:
            raise RetryableError("away")

        refresh, loop.refresher._updater.refresh = loop.refresher._updater.refresh, away  # type: ignore[method-assign]
        with pytest.raises(RetryableError):
            await loop.refresher.refresh_round()
        assert loop.value("freshness_seconds_count") == 0
        loop.refresher._updater.refresh = refresh  # type: ignore[method-assign]
        loop.now_ms += Debounce().lease_ms
        await loop.refresher.refresh_round()
        assert loop.value("freshness_seconds_count") == 1
        assert loop.value("freshness_seconds_sum") == pytest.approx(30.0)

    async def test_a_booked_refresh_has_none(self) -> None:
        loop = Loop()
        await loop.handle(page("u1"))
        await loop.refresher.refresh_round()
        loop.now_ms += AGAIN_MS
        assert await loop.refresher.refresh_round()
        assert loop.value("refreshed_users_total", outcome="saved") == 2
        for name in ("refresh_wait_seconds", "freshness_seconds"):
            assert loop.value(f"{name}_count") == 1

    async def test_a_clock_behind_that_of_redis_gives_no_negative_time(self) -> None:
        loop = Loop()
        await loop.handle(page("u1"))
        loop.now_ms -= 5_000
        loop.queue._due["u1"] = loop.now_ms
        assert await loop.refresher.refresh_round()
        assert loop.value("freshness_seconds_count") == 1
        assert loop.value("freshness_seconds_sum") == 0


class TestRefreshes:
    async def test_models_are_counted_by_what_became_of_them(self) -> None:
        loop = Loop()
        await loop.handle(page("u1"), page("u2"))
        await loop.queue.mark({"nobody": None}, now_ms=loop.now_ms)
        saved = loop.models._save
        loop.models._save = lambda model: model.user_id != "u2" and saved(model)  # type: ignore[method-assign]
        await loop.refresher.refresh_round()
        outcomes = ("saved", "superseded", "no_events")
        counts = [loop.value("refreshed_users_total", outcome=one) for one in outcomes]
        assert counts == [1, 1, 1]

    async def test_a_failed_round_is_counted(self) -> None:
        loop, stopping = Loop(), asyncio.Event()

        async def pop(**_: object) -> Sequence[DueUser]:
            stopping.set()
            raise RetryableError("away")

        loop.queue.pop = pop  # type: ignore[method-assign]
        await loop.refresher.run(stopping)
        assert loop.value("failed_refreshes_total") == 1


class TestKeeping:
    async def test_claimed_and_given_up_entries_are_counted(self) -> None:
        loop = Loop()
        pending = Pending((raw_batch("7-0"), 1), (raw_batch("8-0"), 2), (raw_batch("9-0"), 3))

        async def handle(_: Sequence[RawBatch]) -> None:
            """Finish them."""

        await keeper(pending, handle, metrics=loop.metrics).keep(asyncio.Event())
        assert loop.value("claimed_entries_total") == 3
        assert loop.value("given_up_entries_total") == 1


class TestGauges:
    def test_the_shards_are_shown_each_by_its_number(self) -> None:
        registry = CollectorRegistry()
        states = [
            ShardState(shard=0, lag=5, pending=2, oldest_ms=1_000, bytes=900, consumers=3),
            ShardState(shard=1, lag=0, pending=0),
        ]
        StreamGauges(registry).show(states, now_ms=4_500)
        shown = {
            (sample.name, sample.labels["shard"]): sample.value
            for metric in registry.collect()
            for sample in metric.samples
        }
        assert shown == {
            ("ai_engine_stream_lag_entries", "0"): 5,
            ("ai_engine_stream_lag_entries", "1"): 0,
            ("ai_engine_stream_pending_entries", "0"): 2,
            ("ai_engine_stream_pending_entries", "1"): 0,
            ("ai_engine_stream_oldest_entry_seconds", "0"): 3.5,
            ("ai_engine_stream_oldest_entry_seconds", "1"): 0,
            ("ai_engine_stream_waiting_bytes", "0"): 900,
            ("ai_engine_stream_waiting_bytes", "1"): 0,
            ("ai_engine_stream_consumers", "0"): 3,
            ("ai_engine_stream_consumers", "1"): 0,
        }

    def test_the_queues_are_shown(self) -> None:
        registry = CollectorRegistry()
        metrics = WorkerMetrics(registry, StreamGauges(registry))
        metrics.show(QueueDepth(pending=1, leased=2, booked=3), dead_letters=4)
        names = ("due_users", "leased_users", "booked_users", "dead_letters")
        assert [registry.get_sample_value(f"ai_engine_{name}") for name in names] == [1, 2, 3, 4]
