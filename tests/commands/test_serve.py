"""How the app refuses to start: one sentence, and status 1."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.support.running_app import REPOSITORY, RunningApp


def start(folder: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(REPOSITORY / "app.py")],
        cwd=folder,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_a_taken_port(tmp_path: Path, host: str) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        ended = start(tmp_path, MOODLENS_PORT=str(port), MOODLENS_HOST=host)

    assert ended.returncode == 1
    assert ended.stdout == ""
    assert ended.stderr == (
        f"MoodLens cannot start: port {port} is in use already; "
        "set MOODLENS_PORT to another one, or to 0 for any.\n"
    )


def test_an_address_of_another_machine(tmp_path: Path) -> None:
    ended = start(tmp_path, MOODLENS_HOST="203.0.113.1")
    assert ended.returncode == 1
    assert ended.stderr.startswith("MoodLens cannot start: 203.0.113.1 is no address of this")


@pytest.mark.parametrize(
    ("name", "value"), [("GRADIO_SHARE", "True"), ("GRADIO_ALLOWED_PATHS", str(REPOSITORY))]
)
def test_a_variable_that_would_open_a_door(tmp_path: Path, name: str, value: str) -> None:
    ended = start(tmp_path, **{name: value})
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"MoodLens cannot start: {name} ")
    assert ended.stderr.count("\n") == 1


def test_gradio_is_told_nothing_that_would_open_one(tmp_path: Path) -> None:
    """Gradio would take "off" for the name of a folder, and any text for a mode."""
    quiet = {"GRADIO_ALLOWED_PATHS": "off", "GRADIO_LOCAL_DEV_MODE": "0", "GRADIO_NUM_WORKERS": "2"}
    (tmp_path / "off").mkdir()
    (tmp_path / "off" / "secret").write_text("sesame")
    with RunningApp(tmp_path, quiet) as running:
        answer = httpx.get(f"{running.url}/gradio_api/file=off/secret")
        page = httpx.get(running.url, headers={"origin": "https://elsewhere.example"})

    assert answer.status_code == 403
    assert "access-control-allow-origin" not in page.headers


def test_an_ipv6_address(tmp_path: Path) -> None:
    if not socket.has_ipv6 or not _has_loopback_6():
        pytest.skip("this machine has no IPv6")
    running = RunningApp(tmp_path, {"MOODLENS_HOST": "::1"})
    running.url = f"http://[::1]:{running.port}"
    with running:
        assert httpx.get(f"{running.url}/hello").status_code == 200


def _has_loopback_6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True
