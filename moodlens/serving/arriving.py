"""One request's body on its way in: how large, how slow, and how much of all of them at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, MutableMapping
from typing import Any, Protocol

from starlette.formparsers import MultiPartException
from starlette.types import Receive, Send

from moodlens.errors import BusyError, MoodLensError, PictureTooLargeError, SlowUploadError

_BYTES_PER_SECOND = 50_000
"""Each so many bytes that have come give an upload another second."""
_FREE_BYTES = 16_384
"""Of each body; they are not counted, so that a click is heard whatever else is on its way."""


class Room(Protocol):
    """What bodies share while they arrive, over all senders."""

    def take(self, count: int) -> bool:
        """Whether there was room for so many more bytes."""

    def give_back(self, count: int) -> None:
        """So many bytes are held no longer by the request that took them."""

    def refusal(self) -> MoodLensError:
        """What who found none is told."""


class Memory:
    """Bytes of bodies that may lie in memory at once.

    Args:
        most: bytes.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken = 0

    def take(self, count: int) -> bool:
        if self._taken + count > self._most:
            return False
        self._taken += count
        return True

    def give_back(self, count: int) -> None:
        self._taken -= count

    def refusal(self) -> MoodLensError:
        return BusyError("Much is on its way here; please try again soon.", 2)


class Body:
    """What a request's sender may take of the app's memory and time.

    Args:
        receive: the server's own.
        limit: bytes.
        too_large: what to say beyond them.
        seconds: in which it has to arrive, beside the time that its bytes earn it; and the longest
            silence of its sender.
        room: what it shares with others.

    Attributes:
        refusal: what the sender is told instead of an answer.
        broken_off: no more of the body will come: it is refused, or its sender is gone.
        answered: whether the app's answer has begun.
        when_over: called once, when the body has come or never will.
    """

    def __init__(
        self,
        receive: Receive,
        *,
        limit: int,
        too_large: PictureTooLargeError,
        seconds: float,
        room: Room,
    ) -> None:
        self.limit, self.too_large = limit, too_large
        self.refusal: MoodLensError | None = None
        self.broken_off = False
        self.answered = False
        self.when_over: Callable[[], None] = lambda: None
        self.plain_receive = receive
        self._seconds = seconds
        self._began = time.monotonic()
        self._received = 0
        self._room = room
        self._held = 0
        self._is_over = False

    async def receive(self) -> MutableMapping[str, Any]:
        """The next message for the app behind.

        Raises:
            MultiPartException: nothing more will come. Of all exceptions this is the one at which
                both Starlette's and Gradio's parser remove what they have stored so far.
        """
        if self._is_over:
            return await self.plain_receive()
        allowed = self._seconds + self._received / _BYTES_PER_SECOND
        left = self._began + allowed - time.monotonic()
        try:
            message = await asyncio.wait_for(self.plain_receive(), min(max(left, 0), self._seconds))
        except asyncio.TimeoutError:  # no kin of TimeoutError before Python 3.11
            raise self.break_off(
                SlowUploadError("The upload took too long; please try again.")
            ) from None
        if message["type"] == "http.disconnect":
            raise self.break_off(None)
        self._received += len(message.get("body", b""))
        if self._received > self.limit:
            raise self.break_off(self.too_large)
        if not self._has_room():
            raise self.break_off(self._room.refusal())
        if not message.get("more_body", False):
            self.over()
        return message

    def guard(self, send: Send) -> Send:
        """Lets through what the app behind answers, unless the body was broken off first."""

        async def guarded(message: MutableMapping[str, Any]) -> None:
            if not self.broken_off:
                self.answered = True
                await send(message)

        return guarded

    def over(self) -> None:
        """The body has come, or nobody waits for it any more."""
        if not self._is_over:
            self._is_over = True
            self.when_over()

    def forgotten(self) -> None:
        """Nothing of it is in memory any more."""
        self._room.give_back(self._held)
        self._held = 0

    def break_off(self, refusal: MoodLensError | None) -> MultiPartException:
        """What to raise so that the app behind expects no more of the body."""
        self.broken_off = True
        self.refusal = refusal
        self.over()
        return MultiPartException("The body was broken off.")

    def _has_room(self) -> bool:
        more = max(self._received - _FREE_BYTES, 0) - self._held
        if more <= 0:
            return True
        if self._room.take(more):
            self._held += more
            return True
        return False
