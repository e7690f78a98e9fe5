"""Behind a real nginx with the very lines of the README, under a path."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from gradio_client import Client, handle_file
from playwright.sync_api import Browser

from tests.browser.site import EXAMPLES, Site, new_context, upload, wait_for_answer
from tests.support.running_app import REPOSITORY, RunningApp, free_port

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
PREFIX = "/moodlens"
CAT = EXAMPLES / "cat.jpg"

pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("proxied")
    with RunningApp(folder, {"GRADIO_ROOT_PATH": PREFIX}) as running:
        running.wait_until_ready()
        port = free_port()
        configuration = folder / "nginx.conf"
        configuration.write_text(nginx_configuration(folder, port, running.port))
        command = [str(NGINX), "-c", str(configuration), "-p", str(folder), "-e", "error.log"]
        with subprocess.Popen(command) as nginx:
            site = Site(running)
            site.url = f"http://127.0.0.1:{port}{PREFIX}/"
            wait_until_up(site.url)
            yield site
            nginx.terminate()


def nginx_configuration(folder: Path, port: int, app_port: int) -> str:
    """The README's lines in the smallest surroundings that nginx takes."""
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    (lines,) = re.findall(r"```nginx\n(.*?)```", readme, re.DOTALL)
    places = "".join(
        f"{place}_temp_path {folder}/{place};\n"
        for place in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return (
        f"daemon off;\nmaster_process off;\npid {folder}/nginx.pid;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{places}server {{\nlisten 127.0.0.1:{port};\n"
        f"{lines.replace('127.0.0.1:7860', f'127.0.0.1:{app_port}')}}}\n}}\n"
    )


def wait_until_up(url: str) -> None:
    transport = httpx.HTTPTransport(retries=10)
    with httpx.Client(transport=transport, timeout=60) as client:
        assert client.get(url).status_code == 200


def test_the_page_lives(proxied: Site, browser: Browser) -> None:
    context = new_context(browser)
    page = proxied.open(context)
    upload(page, CAT)
    wait_for_answer(page, proxied.predict(CAT.read_bytes()))
    assert proxied.troubles == []
    context.close()


def test_programs_are_answered(proxied: Site) -> None:
    by_rest = httpx.post(
        f"{proxied.url}predict", files={"file": ("cat.jpg", CAT.read_bytes())}, timeout=60
    ).json()
    by_client = Client(proxied.url, verbose=False).predict(
        handle_file(str(CAT)), api_name="/predict"
    )
    assert by_rest["status"] == "success"
    assert by_client == by_rest
