"""Keeps up with the Hub in the background: weights that were late, and newer ones on a branch."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable

from moodlens.errors import MoodLensError, SettingsError
from moodlens.weights.hub import fetch, newest_commit
from moodlens.weights.reference import CheckpointReference, Located

logger = logging.getLogger(__name__)


def follow(
    text: str, current: Located, offer: Callable[[Located], None], *, every: float
) -> Follower | None:
    """Start to follow what a setting asks for; None where nothing newer can come.

    Args:
        text: see :meth:`moodlens.weights.reference.CheckpointReference.parse`.
        current: what is in use now.
        offer: see :class:`Follower`.
        every: seconds between two looks at the Hub.
    """
    try:
        follower = Follower(CheckpointReference.parse(text), current, offer, every=every)
    except SettingsError:
        return None
    return follower if follower.start() else None


class Follower:
    """Offers every commit that the reference comes to mean, once, until it is closed.

    A branch is looked up for ever, at one small request each time. A commit that was asked for by
    its id is final: once it has been offered there is nothing left to do.

    Args:
        reference: a revision on the Hub.
        current: what is in use now.
        offer: called in the follower's thread, with weights to use. It decides for itself what to
            do with bad ones; the same commit is not offered again.
        every: seconds between two looks at the Hub.
        first_retry: seconds after a failure; doubled with each further one, up to ``every``.
    """

    def __init__(
        self,
        reference: CheckpointReference,
        current: Located,
        offer: Callable[[Located], None],
        *,
        every: float = 300.0,
        first_retry: float = 5.0,
    ) -> None:
        self._reference = reference
        self._offer = offer
        self._every = every
        self._first_retry = first_retry
        self._in_use = None if current.notice else current.revision
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="moodlens-follow", daemon=True)

    def start(self) -> bool:
        """Begin, unless there is nothing to wait for; whether there is."""
        if self._reference.repository is None or self._is_final:
            return False
        self._thread.start()
        return True

    def close(self) -> None:
        """Stop looking; a download that is under way is left to itself."""
        self._closing.set()

    @property
    def _is_final(self) -> bool:
        return self._reference.is_pinned and self._in_use == self._reference.revision

    def _run(self) -> None:
        failures = 0 if self._in_use else 1
        while not self._is_final and not self._closing.wait(self._pause(failures)):
            try:
                self._look()
                failures = 0
            except MoodLensError as error:
                failures += 1
                logger.info("%s: will try again: %s", self._reference, error)
            except Exception:
                failures += 1
                logger.exception("%s: will try again", self._reference)

    def _look(self) -> None:
        if newest_commit(self._reference) == self._in_use:
            return
        located = fetch(self._reference, trust_cache=False)
        self._in_use = located.revision
        if not self._closing.is_set():
            self._offer(located)

    def _pause(self, failures: int) -> float:
        """Seconds to wait, spread so that many Spaces do not ask at the same moment."""
        pause = self._every
        if failures:
            pause = min(pause, self._first_retry * 2 ** min(failures - 1, 20))
        return pause * random.uniform(0.8, 1.2)
