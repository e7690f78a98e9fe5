"""A small Hub on loopback that answers huggingface_hub as the real one does.

It speaks what the client really sends: creating repositories, preupload, large file storage,
commits, resolve with ETag and commit headers, listings, refs, tags, Space variables and restarts,
whoami, metadata validation. Weights are kept in large file storage and handed out by a redirect to
another host, as on the real Hub. Xet, the chunked transfer that ``hf_xet`` adds, is not spoken: its
clients are told so with ``HF_HUB_DISABLE_XET=1``.

    with HubServer() as hub:
        api = HfApi(endpoint=hub.url, token=hub.WRITE_TOKEN)
        hub.fail(path=r"/resolve/", status=500, times=2)
        hub.stop()   # connection refused, until hub.start()
"""

from __future__ import annotations

import re
import socket
import struct
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.support.hub_answers import READ_TOKEN, WRITE_TOKEN, Answer, Answers, Site, error_answer
from tests.support.hub_store import Repository


@dataclass(frozen=True, slots=True)
class Request:
    """One request that arrived: what it asked and how it was answered (0: not at all)."""

    method: str
    path: str
    status: int
    token: str | None


@dataclass(slots=True)
class Fault:
    """What goes wrong, for which requests, how often.

    Attributes:
        path: a regular expression, searched in the request's path.
        method: only for this HTTP method; all by default.
        times: how often; None for ever.
        delay: seconds to wait before anything else.
        status: the HTTP status to answer with instead of the answer.
        truncate: bytes of the body after which the connection breaks.
        reset: break the connection before any answer.
        corrupt: flip the last byte of the body.
    """

    path: str = ""
    method: str | None = None
    times: int | None = None
    delay: float = 0.0
    status: int | None = None
    truncate: int | None = None
    reset: bool = False
    corrupt: bool = False


class HubServer:
    """The Hub as a context manager; every public method may be called while it runs."""

    WRITE_TOKEN = WRITE_TOKEN
    READ_TOKEN = READ_TOKEN

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.site = Site()
        self.lock = threading.RLock()
        self._faults: list[Fault] = []
        self._server: _Server | None = None
        self._port = 0

    def __enter__(self) -> HubServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        return self.site.url

    def start(self) -> None:
        """Listen; again on the same port after :meth:`stop`."""
        if self._server is None:
            self._server = _Server(self, self._port)
            self._port = self._server.server_address[1]
            self.site.url = f"http://127.0.0.1:{self._port}"
            self.site.storage_url = f"http://localhost:{self._port}/storage"
            threading.Thread(
                target=self._server.serve_forever, args=(0.02,), name="hub", daemon=True
            ).start()

    def stop(self) -> None:
        """Vanish: open connections break, new ones are refused."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def fail(
        self,
        path: str = "",
        *,
        method: str | None = None,
        times: int | None = None,
        delay: float = 0.0,
        status: int | None = None,
        truncate: int | None = None,
        reset: bool = False,
        corrupt: bool = False,
    ) -> None:
        """Let matching requests go wrong from now on; see :class:`Fault`."""
        fault = Fault(path, method, times, delay, status, truncate, reset, corrupt)
        with self.lock:
            self._faults.append(fault)

    def recover(self) -> None:
        """Forget every fault."""
        with self.lock:
            self._faults.clear()

    def asked(self, path: str = "", method: str | None = None) -> list[Request]:
        """The requests so far whose path holds a regular expression."""
        with self.lock:
            return [
                request
                for request in self.requests
                if re.search(path, request.path) and method in (None, request.method)
            ]

    def forget_requests(self) -> None:
        with self.lock:
            self.requests.clear()

    def create(self, name: str, kind: str = "models", *, private: bool = False) -> Repository:
        """Make a repository without asking over HTTP."""
        with self.lock:
            return self.site.create(kind, name, private=private)

    def repository(self, name: str, kind: str = "models") -> Repository:
        return self.site.repositories[kind, name]

    def next_fault(self, method: str, path: str) -> Fault:
        """The fault that hits a request, or one that does nothing."""
        with self.lock:
            for fault in self._faults:
                if re.search(fault.path, path) and fault.method in (None, method):
                    if fault.times is not None:
                        fault.times -= 1
                        if fault.times <= 0:
                            self._faults.remove(fault)
                    return fault
        return Fault()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, hub: HubServer, port: int) -> None:
        self.hub = hub
        self.connections: set[socket.socket] = set()
        self.stopped = threading.Event()
        super().__init__(("127.0.0.1", port), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self.connections.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        self.stopped.set()
        super().server_close()
        for connection in list(self.connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients may hang up; anything else is a fault of this server and fails the test."""
        if not isinstance(sys.exc_info()[1], ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:
        """Keep the tests' output clean; ``HubServer.requests`` is the log."""

    def do_GET(self) -> None:
        self._handle()

    do_HEAD = do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815

    def _handle(self) -> None:
        hub = self.server.hub
        body = self._read_body()
        fault = hub.next_fault(self.command, self.path)
        self.server.stopped.wait(fault.delay)
        token = self.headers.get("Authorization", "").removeprefix("Bearer ") or None
        if fault.reset:
            answer = Answer(0)
        elif fault.status is not None:
            answer = error_answer(fault.status, "", HTTPStatus(fault.status).phrase)
        else:
            with hub.lock:
                answer = Answers(hub.site, token).answer(
                    self.command, self.path, self.headers, body
                )
        with hub.lock:
            hub.requests.append(Request(self.command, self.path, answer.status, token))
        self._send(answer, fault)

    def _read_body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            return b"".join(iter(self._read_chunk, b""))
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _read_chunk(self) -> bytes:
        chunk = self.rfile.read(int(self.rfile.readline().split(b";")[0], 16))
        self.rfile.readline()
        return chunk

    def _send(self, answer: Answer, fault: Fault) -> None:
        if fault.reset:
            self._break_connection()
            return
        self.send_response(answer.status)
        headers = {"Content-Length": str(len(answer.body)), **answer.headers}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        body = answer.body
        if self.command == "HEAD":
            return
        if fault.corrupt and body:
            body = body[:-1] + bytes([body[-1] ^ 1])
        if fault.truncate is not None and fault.truncate < len(body):
            self.wfile.write(body[: fault.truncate])
            self.wfile.flush()
            self._break_connection()
            return
        self.wfile.write(body)

    def _break_connection(self) -> None:
        """With SO_LINGER at zero, closing sends a reset instead of a farewell."""
        self.close_connection = True
        if self.wfile:
            self.wfile.flush()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
