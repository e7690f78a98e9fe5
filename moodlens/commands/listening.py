"""The address to listen on: whether it can be had, before anything takes seconds to load."""

from __future__ import annotations

import errno
import socket
from typing import Any

from moodlens.errors import SettingsError


def refuse_taken(host: str, port: int) -> None:
    """Bind the address once, and let go of it.

    Args:
        host: a name or an address.
        port: 0 takes any free one, and is never refused.

    Raises:
        SettingsError: somebody listens there, or nobody may.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError:
        found = []
    can_be_had = False
    for family, kind, protocol, _, address in found:
        try:
            _bind_once(family, kind, protocol, address)
            can_be_had = True
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise taken(port) from None
            if error.errno == errno.EACCES:
                raise SettingsError(
                    f"port {port} is not for this user; set MOODLENS_PORT to one from 1024 up."
                ) from None
    if not can_be_had:
        raise SettingsError(
            f"{host} is no address of this machine; set MOODLENS_HOST to one, such as 127.0.0.1."
        )


def taken(port: int) -> SettingsError:
    """What to say where somebody else listens."""
    return SettingsError(
        f"port {port} is in use already; set MOODLENS_PORT to another one, or to 0 for any."
    )


def _bind_once(family: int, kind: int, protocol: int, address: Any) -> None:
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        probe.bind(address)
