"""A stand-in, on loopback, for what lends a ZeroGPU Space its graphics processor.

The package ``spaces`` talks to it over HTTP: it reports the start, asks for the processor, says
which process is to have it, and gives it back.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

Mood = Literal["granting", "busy", "out of quota"]

WITHOUT_CUDA = """
import runpy, torch
torch.Tensor.cuda = lambda tensor, *_, **__: tensor
torch.cuda.synchronize = lambda *_: None
runpy.run_path("app.py", run_name="__main__")
"""
"""Starts app.py where there is no GPU: what the lent process tries first succeeds."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request and its parameters."""

    path: str
    parameters: dict[str, str]


class DeviceApi:
    """Start with ``with``.

    Args:
        port: 0 takes any free one.

    Attributes:
        mood: how it answers whoever asks for the processor.
        calls: what it was asked, in order.
    """

    def __init__(self, port: int = 0) -> None:
        self.mood: Mood = "granting"
        self.calls: list[Call] = []
        self._server = _Server(self, port)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> DeviceApi:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Be unreachable from now on."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    def asked(self) -> list[str]:
        """The paths of all calls, in order."""
        return [call.path for call in self.calls]

    def answer(self, path: str) -> tuple[int, Any]:
        """Status and body."""
        if path != "/schedule":
            return 200, {}
        if self.mood == "busy":
            return 503, {}
        if self.mood == "out of quota":
            return 429, {"left": 0, "wait": 3600}
        lent_before = "/allow" in self.asked()
        return 200, {
            "idle": lent_before,
            "nvidiaIndex": 0,
            "nvidiaUUID": "GPU-stand-in",
            "allowToken": "allowed",
        }


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, api: DeviceApi, port: int) -> None:
        self.api = api
        super().__init__(("127.0.0.1", port), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:
        """Keep the tests' output clean."""

    def do_POST(self) -> None:
        address = urlsplit(self.path)
        status, body = self.server.api.answer(address.path)
        self.server.api.calls.append(Call(address.path, dict(parse_qsl(address.query))))
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
