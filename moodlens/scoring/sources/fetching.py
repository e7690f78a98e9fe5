"""Pictures from the web, where ``--fetch`` allows it.

A list of addresses may come from a stranger, so nothing of this network is ever asked: every
address that a name stands for has to be a public one, the connection goes to just that address, and
each redirect is judged anew.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from moodlens.errors import PictureError

_MOST_REDIRECTS = 5
_CONNECT_SECONDS = 10.0
_WHOLE_SECONDS = 30.0
_CHUNK = 65_536
_REDIRECTS = (301, 302, 303, 307, 308)

Admits = Callable[[str], bool]


def is_public(address: str) -> bool:
    """Whether an IP address is one that everybody can reach."""
    ip = ipaddress.ip_address(address)
    mapped = getattr(ip, "ipv4_mapped", None) or ip
    return mapped.is_global and not mapped.is_multicast


@dataclass(frozen=True, slots=True)
class WebFile:
    """A picture behind an ``http`` or ``https`` address.

    Attributes:
        url: where it is.
        admits: which IP addresses may be asked.
        seconds: for all of it.
    """

    url: str
    admits: Admits = is_public
    seconds: float = _WHOLE_SECONDS

    def read(self, most: int) -> bytes:
        deadline = time.monotonic() + self.seconds
        url = self.url
        try:
            for _ in range(_MOST_REDIRECTS + 1):
                answer = _ask(url, most, self.admits, deadline)
                if isinstance(answer, bytes):
                    return answer
                url = urljoin(url, answer)
        except TimeoutError:
            raise PictureError("This address takes too long to answer.") from None
        except (OSError, ValueError, http.client.HTTPException):
            raise PictureError("This address cannot be reached.") from None
        raise PictureError("This address leads to others without end.")


def _ask(url: str, most: int, admits: Admits, deadline: float) -> bytes | str:
    """The bytes behind an address, or the address that it points to instead."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise PictureError("This address is not one of the web.")
    connection = _connected(parts.scheme, parts.hostname, parts.port, admits)
    try:
        target = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
        connection.request("GET", target, headers={"User-Agent": "moodlens", "Accept": "image/*"})
        response = connection.getresponse()
        if response.status in _REDIRECTS and (place := response.getheader("Location")):
            return place
        if response.status != http.client.OK:
            raise PictureError(f"This address answers with status {response.status}.")
        data = b""
        while len(data) < most:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            connection.sock and connection.sock.settimeout(left)
            chunk = response.read1(min(_CHUNK, most - len(data)))
            if not chunk:
                break
            data += chunk
        return data
    finally:
        connection.close()


def _connected(
    scheme: str, host: str, port: int | None, admits: Admits
) -> http.client.HTTPConnection:
    """A connection to an admitted address of the host, and to no other."""
    port = port or (443 if scheme == "https" else 80)
    found = {str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
    if not found or not all(admits(address.partition("%")[0]) for address in found):
        raise PictureError("This address belongs to a private network and is not asked.")
    connection = http.client.HTTPConnection(host, port, timeout=_CONNECT_SECONDS)
    raw = socket.create_connection((sorted(found)[0], port), timeout=_CONNECT_SECONDS)
    try:
        context = ssl.create_default_context()
        connection.sock = (
            context.wrap_socket(raw, server_hostname=host) if scheme == "https" else raw
        )
    except BaseException:
        raw.close()
        raise
    return connection
