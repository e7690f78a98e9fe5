"""The lines of code that the app prints, run as they are printed, and other people's clients."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
from gradio_client import Client, handle_file

import moodlens
from tests.interface.test_endpoint import META, last_event, predict_info
from tests.support.page_queue import HTTP
from tests.support.running_app import RunningApp

EXAMPLES = sorted((Path(moodlens.__file__).parent / "examples").glob("*.jpg"))
PROGRAMS = Path(sys.executable).parent


@pytest.fixture(scope="module")
def snippets(app: RunningApp) -> Mapping[str, str]:
    printed: dict[str, str] = predict_info(app)["code_snippets"]
    return printed


@pytest.fixture(scope="module")
def expected(app: RunningApp) -> Any:
    """The answer about the picture that the lines of code name."""
    picture = HTTP.get(f"{app.url}/examples/cat.jpg")
    assert picture.headers["content-type"] == "image/jpeg"
    return app.predict(picture.content).json()


def run(*command: str | Path, cwd: Path) -> str:
    environ = {**os.environ, "HF_HUB_DISABLE_TELEMETRY": "1"}
    done = subprocess.run(
        command, cwd=cwd, env=environ, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


def test_python_as_printed(snippets: Mapping[str, str], expected: Any, tmp_path: Path) -> None:
    out = run(sys.executable, "-c", snippets["python"], cwd=tmp_path)

    assert out.strip().splitlines()[-1] == str(expected)


@pytest.mark.parametrize("shell", ["bash", "sh", "zsh"])
def test_shell_as_printed(
    snippets: Mapping[str, str], expected: Any, tmp_path: Path, shell: str
) -> None:
    if not (shutil.which(shell) and shutil.which("curl")):
        pytest.skip(f"no {shell}, or no curl")
    out = run(shell, "-c", snippets["bash"], cwd=tmp_path)

    event, data = out.strip().splitlines()[-2:]
    assert event == "event: complete"
    assert json.loads(data.removeprefix("data: ")) == [expected]


def test_command_line_as_printed(
    snippets: Mapping[str, str], expected: Any, tmp_path: Path
) -> None:
    for name in ("gradio", "hf-gradio"):
        if not (PROGRAMS / name).exists():
            pytest.skip(f"no {name} beside this Python")
    line = snippets["cli"].replace("{command}", str(PROGRAMS / "gradio"))
    assert json.loads(run("sh", "-c", line, cwd=tmp_path)) == {"prediction": expected}
    url = line.split()[2]
    info = json.loads(run(PROGRAMS / "hf-gradio", "info", url, cwd=tmp_path))
    assert info["/predict"]["returns"][0]["type"]["properties"]["status"] == {"const": "success"}


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which Node finds @gradio/client."""
    folder = tmp_path_factory.mktemp("node")
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("no Node")
    command = ["npm", "install", "--no-audit", "--no-fund", "@gradio/client@2"]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )
    if done.returncode != 0:
        pytest.skip("npm cannot fetch @gradio/client")
    return folder


def test_javascript_as_printed(snippets: Mapping[str, str], expected: Any, node: Path) -> None:
    program = snippets["javascript"].replace("result.data", "JSON.stringify(result.data)")
    (node / "printed.mjs").write_text(program + "\nprocess.exit(0);\n")

    assert json.loads(run("node", "printed.mjs", cwd=node)) == [expected]


def test_javascript_in_other_ways(app: RunningApp, expected: Any, node: Path) -> None:
    data_uri = f"data:image/jpeg;base64,{base64.b64encode(EXAMPLES[1].read_bytes()).decode()}"
    program = f"""
import {{ Client, handle_file }} from "@gradio/client";
const client = await Client.connect("{app.url}");
const told = [];
for (const picture of [
  "{data_uri}",
  handle_file("{app.url}/examples/cat.jpg"),
  handle_file("https://example.org/a.jpg"),
  7,
]) {{
  try {{ told.push((await client.predict("/predict", {{ picture }})).data[0]); }}
  catch (error) {{ told.push(error.message); }}
}}
console.log(JSON.stringify(told));
process.exit(0);
"""
    (node / "others.mjs").write_text(program)

    one, two, address, number = json.loads(run("node", "others.mjs", cwd=node))
    assert one == two == expected
    assert address.startswith("No addresses are fetched here")
    assert number.startswith("Send a picture")


def test_the_four_calls_that_agents_are_told_of(app: RunningApp, expected: Any) -> None:
    """A Space's agents.md names them: look, upload, ask, and poll."""
    (parameter,) = predict_info(app)["parameters"]
    picture = HTTP.get(parameter["example_input"]["url"]).content
    (path,) = HTTP.post(f"{app.url}/gradio_api/upload", files={"files": ("a.jpg", picture)}).json()
    asked = HTTP.post(
        f"{app.url}/gradio_api/call/v2/predict",
        json={parameter["parameter_name"]: {"path": path, "meta": META}},
    )

    assert last_event(app, asked.json()["event_id"]) == ("complete", [expected])


def test_twenty_jobs_at_once(app: RunningApp) -> None:
    alone = [app.predict(path.read_bytes()).json() for path in EXAMPLES]
    client = Client(app.url, verbose=False)
    order = [number % len(EXAMPLES) for number in range(20)]
    jobs: list[Future[Any]] = [
        client.submit(handle_file(str(EXAMPLES[number])), api_name="/predict") for number in order
    ]

    for number, job in zip(order, jobs, strict=True):
        shares, expected = (
            body["prediction"]["probability_distribution"]
            for body in (job.result(timeout=120), alone[number])
        )
        assert shares == pytest.approx(expected, abs=0.002)


def test_cancelling_some_jobs_ends_no_others(app: RunningApp) -> None:
    client = Client(app.url, verbose=False)
    picture = handle_file(str(EXAMPLES[0]))
    jobs = [client.submit(picture, api_name="/predict") for _ in range(20)]
    time.sleep(0.1)
    for job in jobs[::2]:
        job.cancel()

    assert [job.result(timeout=60)["status"] for job in jobs[1::2]] == ["success"] * 10
    assert client.predict(picture, api_name="/predict")["status"] == "success"
