"""HTTP by hand, for senders that no client library would imitate."""

from __future__ import annotations

import socket

from tests.support.running_app import RunningApp

BOUNDARY = "raw"


def connect(app: RunningApp, *, timeout: float = 20) -> socket.socket:
    return socket.create_connection(("127.0.0.1", app.port), timeout=timeout)


def request_head(
    path: str,
    *headers: str,
    content_type: str = f"multipart/form-data; boundary={BOUNDARY}",
) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Type: {content_type}", *headers]
    return "\r\n".join([*lines, "", ""]).encode()


def form_head(field: str = "file", name: str = "photo.jpg") -> bytes:
    return (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\n\r\n'
    ).encode()


def form(data: bytes) -> bytes:
    return form_head() + data + f"\r\n--{BOUNDARY}--\r\n".encode()


def answer(connection: socket.socket) -> tuple[int, str]:
    """The status and all that comes until the server closes or falls silent."""
    received = b""
    try:
        while part := connection.recv(65536):
            received += part
            _, separator, body = received.partition(b"\r\n\r\n")
            if separator and body.endswith(b"}"):
                break
    except ConnectionResetError:
        pass
    return (int(received.split()[1]) if received else 0), received.decode("utf-8", "replace")
