"""Gradio's queue, for a page that stays up for months and is asked by strangers.

Gradio remembers the messages of 2,000 sessions and forgets the one that came first, whether or not
it still waits for an answer; the next message to it ends the loop that serves everybody. Here a
session that waits is never forgotten, a message to nobody is dropped, and a loop that ends in spite
of that is begun again. Who cancels one question loses no other.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

import gradio as gr
from gradio import routes
from gradio.queueing import Event, Queue
from gradio.server_messages import EstimationMessage, EventMessage
from gradio.utils import run_coro_in_background

logger = logging.getLogger(__name__)

Messages = asyncio.Queue[EventMessage]

_SESSIONS = 1000
_FORGET_SECONDS = 300.0
"""After its last message a session has so long to fetch what it was told."""
_UNREAD = 256
"""Messages that wait for readers, over all sessions; each may hold a whole answer of the page."""
_JUST_NOW = 10.0
"""Seconds in which a session is not forgotten however many there are: who listens to a stream asks
at least that often, and who has just come has not asked yet."""
_REST_SECONDS = 1.0
_WAITING_CHARACTERS = 100_000_000
"""Of all questions that wait: programs may send whole pictures as text."""
_SHORT = 10_000
_SEPARATOR = "<gradio-sep>"
"""In the name of a task, before that of its event."""


class Mailboxes(dict[str, Messages]):
    """The messages of each session; those that nobody waits for are forgotten, the oldest first.

    Args:
        waits: whether a session waits for an answer.
        forget: told of each session that is forgotten.
        most: sessions remembered, beside those that wait.
    """

    def __init__(
        self, waits: Callable[[str], bool], forget: Callable[[str], None], most: int = _SESSIONS
    ) -> None:
        super().__init__()
        self._waits = waits
        self._forget = forget
        self._most = most
        self._touched: dict[str, float] = {}

    def __getitem__(self, session: str) -> Messages:
        messages = super().__getitem__(session)
        self._touched.pop(session, None)  # so that the order stays that of the last touch
        self._touched[session] = time.monotonic()
        return messages

    def __setitem__(self, session: str, messages: Messages) -> None:
        super().__setitem__(session, messages)
        self._touched[session] = time.monotonic()
        self.tidy()

    def __delitem__(self, session: str) -> None:
        """Gradio does so for each of a session's streams that is cut off, however many they are."""
        self.pop(session, None)
        self._touched.pop(session, None)

    def tidy(self) -> None:
        """Forget whom nobody has asked about for long, and more where there are too many."""
        now = time.monotonic()
        unread = sum(messages.qsize() for messages in self.values())
        for session, touched in list(self._touched.items()):
            too_many = len(self) > self._most or unread > _UNREAD
            if now - touched < (_JUST_NOW if too_many else _FORGET_SECONDS):
                return
            if not self._waits(session):
                unread -= super().__getitem__(session).qsize()
                del self[session]
                self._forget(session)


class SteadyQueue(Queue):
    """A queue that does not end before the app does.

    Attributes:
        running: whether events are taken out of it right now.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.pending_messages_per_session = Mailboxes(
            self._waits, lambda session: self.pending_event_ids_session.pop(session, None)
        )
        self.ANALYTICS_MAX_EVENTS = 1
        self.running = True
        self._closing = False

    def send_message(self, event: Event, event_message: EventMessage) -> None:
        """Tell a session; one that is gone needs no answer either."""
        if event.session_hash not in self.pending_messages_per_session:
            event.alive = False
            return
        messages = self.pending_messages_per_session[event.session_hash]
        if isinstance(event_message, EstimationMessage) and not messages.empty():
            return  # everybody's place is told anew whenever one moves up; once unread is enough
        if messages.qsize() >= _UNREAD:
            messages.get_nowait()
        super().send_message(event, event_message)

    async def push(self, body: Any, request: Any, username: Any) -> Any:
        """Take a question, unless the long ones that wait take all the memory there is for them."""
        length = _characters(body.data)
        if length > _SHORT:
            waiting = [event.data for event in list(self.event_ids_to_events.values())]
            held = sum(_characters(question.data) for question in waiting if question)
            if held + length > _WAITING_CHARACTERS:
                return False, "Queue is full.", "queue_full"
        return await super().push(body, request, username)

    async def remove_from_queue(self, event_id: str) -> None:
        """Cancel one event, whether it waits or runs, and none of its session's others."""
        await super().remove_from_queue(event_id)
        name = f"{_SEPARATOR}{event_id}"
        tasks = [task for task in self._asyncio_tasks if task.get_name().endswith(name)]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def start_processing(self) -> None:
        """Take events out, for as long as the app runs."""
        while not self._closing:
            self.running, self.stopped = True, False
            try:
                await super().start_processing()
            except Exception:
                logger.exception("the page's queue broke and is started again")
            if not self._closing:
                self.running = False
                await asyncio.sleep(_REST_SECONDS)

    async def start_progress_updates(self) -> None:
        """Tell of progress, for as long as the app runs."""
        while not self._closing:
            await super().start_progress_updates()
            await asyncio.sleep(_REST_SECONDS)

    def start(self) -> None:
        """Begin, and tidy up from time to time."""
        super().start()
        run_coro_in_background(self._keep_tidy)

    def close(self) -> None:
        """End for good."""
        self._closing = True
        super().close()

    def compute_analytics_summary(self, records: Any) -> Any:
        """Nobody looks at it here, and it takes longer with each event."""
        return {"functions": {}}

    def _cancel_asyncio_tasks(self) -> None:
        """Only at the end: what runs while the loop is started again may finish."""
        if self._closing:
            super()._cancel_asyncio_tasks()

    def _waits(self, session: str) -> bool:
        events = self.pending_event_ids_session.get(session, ())
        return any(event in self.event_ids_to_events for event in events)

    async def _keep_tidy(self) -> None:
        while not self._closing:
            await asyncio.sleep(_FORGET_SECONDS / 10)
            self.pending_messages_per_session.tidy()


def queue_steadily(
    page: gr.Blocks, *, max_size: int, default_concurrency_limit: int
) -> SteadyQueue:
    """Give a page such a queue, in place of ``page.queue()``."""
    routes.cancel_tasks = _cancel_none
    page.queue(max_size=max_size, default_concurrency_limit=default_concurrency_limit)
    page._queue = queue = SteadyQueue(
        live_updates=True,
        concurrency_count=page.max_threads,
        update_intervals=1,
        max_size=max_size,
        blocks=page,
        default_concurrency_limit=default_concurrency_limit,
    )
    return queue


async def _cancel_none(task_ids: set[str]) -> list[str]:
    """In place of Gradio's function that cancels all that a session runs, whichever it named."""
    return []


def _characters(values: Any) -> int:
    """Of the texts in a question, one by one and as addresses of files."""
    found = 0
    for value in values or []:
        parts = value.values() if isinstance(value, dict) else [value]
        found += sum(len(part) for part in parts if isinstance(part, str))
    return found
