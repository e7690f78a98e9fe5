"""Connections: as many as the system lets one process open, and among them no crowd of idle ones.

Where no descriptor is left, nobody is answered any more, not even to be told so. A server therefore
lets the connection go that has been idle for the longest time, before there is none.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import Any

logger = logging.getLogger(__name__)

_FOR_FILES = 512
"""Descriptors for everything else: uploads, weights, logs."""
_BURST = 2048
"""The server accepts so many before it looks at the first."""
_LEAST = 64


def raise_descriptor_limit() -> int:
    """Raise the soft limit on open descriptors to the hard one, and return it."""
    try:
        import resource
    except ImportError:  # not POSIX
        return _FOR_FILES + _BURST + _LEAST
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY:
        hard = 1_048_576
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return int(hard)


def bound_connections(descriptors: int) -> None:
    """Have the server keep some descriptors free, from the next connection on.

    Args:
        descriptors: that this process may open.
    """
    from uvicorn.protocols.http.auto import AutoHTTPProtocol as Protocol

    most = max(_LEAST, descriptors // 2, descriptors - _FOR_FILES - _BURST)
    crowd = Crowd(most)
    protocol: Any = Protocol
    protocol.connection_made = _first(crowd.enter, protocol.connection_made)
    protocol.connection_lost = _first(lambda gone, _: crowd.leave(gone), protocol.connection_lost)


class Crowd:
    """All connections, the oldest first.

    Args:
        most: one more makes the oldest idle one go.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._here: dict[Any, Any] = {}

    def enter(self, connection: Any, transport: Any) -> None:
        """A connection is made."""
        if len(self._here) >= self._most:
            idle = next((known for known in self._here if _is_idle(known)), None)
            if idle is None:
                transport.abort()
            else:
                self._here.pop(idle).abort()
            logger.warning("so many connections are open that idle ones are closed")
        self._here[connection] = transport

    def leave(self, connection: Any) -> None:
        """A connection is gone."""
        self._here.pop(connection, None)


def _is_idle(connection: Any) -> bool:
    """Whether nothing was asked over it that is not answered."""
    cycle = connection.cycle
    return cycle is None or cycle.response_complete


def _first(
    look: Callable[[Any, Any], None], method: Callable[[Any, Any], None]
) -> Callable[[Any, Any], None]:
    @functools.wraps(method)
    def both(connection: Any, given: Any) -> None:
        look(connection, given)
        method(connection, given)

    return both
