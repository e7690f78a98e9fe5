"""What a Space installs is one set, which has to exist for each Python that it may get."""

from __future__ import annotations

import re
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest
import yaml

from tests.support.running_app import REPOSITORY
from tests.test_repository import ZERO_GPU_PYTHONS

UV = shutil.which("uv", path=sysconfig.get_path("scripts")) or shutil.which("uv")
ADDED_BY_A_SPACE = (
    "torch<=2.13.0",
    "gradio[oauth,mcp]=={sdk_version}",
    "uvicorn>=0.14.0",
    "websockets>=10.4",
    "spaces",
)


@pytest.mark.skipif(UV is None, reason="uv, which resolves without installing, is not installed")
@pytest.mark.parametrize("python", ZERO_GPU_PYTHONS)
def test_a_space_finds_a_set_to_install(tmp_path: Path, python: str) -> None:
    matter = yaml.safe_load(
        (REPOSITORY / "README.md").read_text(encoding="utf-8").split("---\n")[1]
    )
    wanted = tmp_path / "space.in"
    lines = (f"-r {REPOSITORY / 'requirements.txt'}", *ADDED_BY_A_SPACE)
    wanted.write_text("\n".join(lines).format(sdk_version=matter["sdk_version"]))
    command = [str(UV), "pip", "compile", "--quiet", "--no-annotate", "--python-version", python]
    done = subprocess.run(
        [*command, str(wanted)], capture_output=True, text=True, timeout=300, check=False
    )
    if done.returncode != 0 and "No solution found" not in done.stderr:
        pytest.skip(f"no registry answers: {done.stderr.strip().splitlines()[-1:]}")

    assert done.returncode == 0, done.stderr
    found = dict(re.findall(r"^([\w.-]+)==(\S+)", done.stdout, re.MULTILINE))
    assert found["gradio"] == matter["sdk_version"]
    assert {"torch", "torchvision", "spaces", "mcp", "timm"} <= set(found)
