"""Gradio's queue goes on whatever its sessions do; without a server, which would add nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any

import gradio as gr
import pytest
from gradio.data_classes import PredictBodyInternal
from gradio.queueing import Event
from gradio.server_messages import EstimationMessage, ProcessStartsMessage

from moodlens.interface.gradio_parts import steady_queue
from moodlens.interface.gradio_parts.steady_queue import Mailboxes, SteadyQueue, queue_steadily
from tests.support import coroutines


@pytest.fixture
def queue() -> SteadyQueue:
    with gr.Blocks(analytics_enabled=False) as page:
        gr.Button().click(lambda: None)
    return queue_steadily(page, max_size=64, default_concurrency_limit=1)


def event_of(queue: SteadyQueue, session: str) -> Event:
    return Event(session, queue.blocks.fns[0], None, None)


def wait_in(queue: SteadyQueue, session: str) -> Event:
    """As ``push`` does for a request."""
    event = event_of(queue, session)
    queue.pending_messages_per_session[session] = asyncio.Queue()
    queue.pending_event_ids_session.setdefault(session, set()).add(event._id)
    queue.event_ids_to_events[event._id] = event
    queue.create_event_queue_for_fn(event.fn)
    return event


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    coroutines.run(asyncio.wait_for(test(), 20))


def test_who_waits_is_not_forgotten_for_those_that_come_later(
    queue: SteadyQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steady_queue, "_JUST_NOW", 0.0)

    async def test() -> None:
        waiting = wait_in(queue, "waiting")
        for number in range(3000):
            queue.pending_messages_per_session[f"s{number}"] = asyncio.Queue()
        assert len(queue.pending_messages_per_session) <= 1001
        queue.send_message(waiting, EstimationMessage(queue_size=1))
        assert queue.pending_messages_per_session["waiting"].qsize() == 1

    run(test)


def test_what_is_forgotten_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steady_queue, "_FORGET_SECONDS", 0.0)
    gone: list[str] = []

    async def test() -> None:
        boxes = Mailboxes(lambda session: session == "b", gone.append)
        for session in "abc":
            boxes[session] = asyncio.Queue()
            time.sleep(0.001)
        boxes.tidy()
        assert list(boxes) == ["b"]
        assert gone == ["a", "c"]

    run(test)


def test_unread_answers_are_bounded(queue: SteadyQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steady_queue, "_JUST_NOW", 0.0)

    async def test() -> None:
        for number in range(100):
            queue.pending_messages_per_session[f"s{number}"] = asyncio.Queue()
            for _ in range(400):
                queue.send_message(event_of(queue, f"s{number}"), EstimationMessage(queue_size=1))
        queue.pending_messages_per_session.tidy()
        boxes = queue.pending_messages_per_session.values()
        assert 0 < sum(box.qsize() for box in boxes) <= 256

    run(test)


def test_a_place_in_the_queue_is_told_once_it_is_read(queue: SteadyQueue) -> None:
    """Each of 256 that wait was told of each that moved up, read or not: 200 MB."""

    async def test() -> None:
        waiting = wait_in(queue, "waiting")
        for size in range(9, 0, -1):
            queue.send_message(waiting, EstimationMessage(queue_size=size))
        queue.send_message(waiting, ProcessStartsMessage())
        messages = queue.pending_messages_per_session["waiting"]
        told = [messages.get_nowait() for _ in range(messages.qsize())]
        assert [type(message) for message in told] == [EstimationMessage, ProcessStartsMessage]
        queue.send_message(waiting, EstimationMessage(queue_size=1))
        assert messages.qsize() == 1

    run(test)


def test_a_message_to_nobody_harms_nobody(queue: SteadyQueue) -> None:
    async def test() -> None:
        lost = wait_in(queue, "lost")
        queue.event_queue_per_concurrency_id[lost.concurrency_id].queue.append(lost)
        del queue.pending_messages_per_session["lost"]
        queue.broadcast_estimations(lost.concurrency_id)
        assert not lost.alive

    run(test)


def test_a_queue_that_breaks_is_started_again(
    queue: SteadyQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steady_queue, "_REST_SECONDS", 0.2)
    healthy = queue.get_events
    states: list[bool] = []

    def broken() -> None:
        queue.get_events = taken
        raise KeyError("session")

    def taken() -> Any:
        states.append(queue.running)
        return healthy()

    async def test() -> None:
        event = wait_in(queue, "waiting")
        queue.get_events = broken
        queue.event_queue_per_concurrency_id[event.concurrency_id].queue.append(event)
        queue.start()
        await asyncio.sleep(0.1)
        seen = [queue.running]
        while not states:
            await asyncio.sleep(0.01)
        assert [*seen, queue.running] == [False, True]
        assert not queue.stopped
        queue.close()

    run(test)


def test_a_queue_that_was_stopped_goes_on_unless_the_app_ends(
    queue: SteadyQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steady_queue, "_REST_SECONDS", 0.1)

    async def test() -> None:
        queue.start()
        await asyncio.sleep(0.05)
        queue.stopped = True
        await asyncio.sleep(0.05)
        seen = [queue.running]
        await asyncio.sleep(0.2)
        assert [*seen, queue.running] == [False, True]
        queue.close()
        await asyncio.sleep(0.2)
        assert queue.stopped

    run(test)


def test_pictures_sent_as_text_wait_in_bounded_memory(
    queue: SteadyQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steady_queue, "_WAITING_CHARACTERS", 100_000)

    async def test() -> None:
        picture = "data:image/jpeg;base64," + "x" * 30_000
        took = []
        for number in range(6):
            body = PredictBodyInternal(
                data=[{"url": picture}], fn_index=0, session_hash=f"s{number}", request=None
            )
            took.append((await queue.push(body, None, None))[2])
        assert took == ["success"] * 3 + ["queue_full"] * 3
        body = PredictBodyInternal(data=["short"], fn_index=0, session_hash="short", request=None)
        assert (await queue.push(body, None, None))[2] == "success"

    run(test)
