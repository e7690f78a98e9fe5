"""Each viewer's share of what everybody may do: once for a thing, and so often in a while."""

from __future__ import annotations

import hashlib
import ipaddress
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Hashable, Mapping

_REMEMBERED = 20_000


class Once:
    """What has been done, by whatever names it; the oldest is forgotten first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._done: OrderedDict[Hashable, None] = OrderedDict()

    def claim(self, thing: Hashable) -> bool:
        """Whether this is the first time; of several at once, it is for a single one."""
        with self._lock:
            if thing in self._done:
                return False
            self._done[thing] = None
            if len(self._done) > _REMEMBERED:
                self._done.popitem(last=False)
            return True

    def undo(self, thing: Hashable) -> None:
        """It came to nothing, and may be tried again."""
        with self._lock:
            self._done.pop(thing, None)


class Rate:
    """So many at once, and then one each few seconds, for each client.

    Args:
        burst: at once.
        every: seconds for another one.
    """

    def __init__(self, burst: int, every: float) -> None:
        self._burst = burst
        self._every = every
        self._lock = threading.Lock()
        self._key = secrets.token_bytes(16)
        self._free_at: OrderedDict[bytes, float] = OrderedDict()

    def allows(self, client: str) -> bool:
        """Whether a client may do another one now.

        Args:
            client: its address, of which a keyed hash is kept, in memory.
        """
        name = hashlib.blake2b(client.encode(), key=self._key, digest_size=16).digest()
        now = time.monotonic()
        with self._lock:
            free_at = max(self._free_at.pop(name, now), now)
            allowed = free_at - now <= (self._burst - 1) * self._every
            self._free_at[name] = free_at + self._every if allowed else free_at
            if len(self._free_at) > _REMEMBERED:
                self._free_at.popitem(last=False)
        return allowed


def client_address(peer: str, headers: Mapping[str, str]) -> str:
    """Who asks: the other end of the connection, or whom a proxy at that end names.

    Args:
        peer: address of the other end.
        headers: of the request. The last address in ``x-forwarded-for`` is the one that the nearest
            proxy has seen; it counts only where that proxy is in a network of the app's own, since
            anybody else could write what they like.
    """
    try:
        near = ipaddress.ip_address(peer).is_private
    except ValueError:
        near = False
    forwarded = headers.get("x-forwarded-for", "")
    return forwarded.rsplit(",", 1)[-1].strip()[:64] if near and forwarded else peer
