"""The package as pip makes and installs it, far from the checkout."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from importlib.util import find_spec
from pathlib import Path

import httpx
import pytest

import moodlens
from tests.support.running_app import REPOSITORY, RunningApp
from tests.test_repository import tracked

CAT = Path(moodlens.__file__).parent / "examples" / "cat.jpg"

pytestmark = pytest.mark.skipif(
    find_spec("pip") is None or find_spec("setuptools") is None,
    reason="the package is built by pip and setuptools, and one of them is not here",
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, since a build leaves folders where it is done."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in tracked():
        if not name.startswith((".", "tests/", "training/")):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / name, folder / name)
    pip(folder, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", "made", ".")
    (made,) = (folder / "made").glob("*.whl")
    return made


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of a new environment that holds the wheel, and sees what it depends on here."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, symlinks=True)
    paths = {"base": str(folder), "platbase": str(folder)}
    packages = Path(sysconfig.get_path("purelib", "venv", paths))
    dependencies = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (packages / "dependencies.pth").write_text("\n".join(dependencies))
    programs = Path(sysconfig.get_path("scripts", "venv", paths))
    pip(folder, "--python", str(programs / "python"), "install", "--no-deps", str(wheel))
    return programs


def pip(folder: Path, *arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def run(program: Path, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environ = {
        name: value
        for name, value in os.environ.items()
        if name != "PYTHONPATH" and not name.startswith("MOODLENS_")
    }
    return subprocess.run(
        [program, *arguments], cwd=cwd, env=environ, capture_output=True, text=True, check=False
    )


def test_the_wheel_holds_all_of_the_package_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}

    assert held == {name for name in tracked() if name.startswith("moodlens/")}


def test_it_needs_what_the_requirements_say(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("/METADATA"))
        metadata = archive.read(name).decode()

    needed = {
        line.removeprefix("Requires-Dist: ").partition(";")[0]
        for line in metadata.splitlines()
        if line.startswith("Requires-Dist: ") and "extra ==" not in line
    }
    required = (REPOSITORY / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert {named(line) for line in needed} == {
        named(line) for line in required if line and not line.startswith("#")
    }


def named(requirement: str) -> str:
    return requirement.partition("=")[0].partition("<")[0].partition(">")[0].lower()


def test_importing_it_is_cheap(installed: Path, tmp_path: Path) -> None:
    program = "import sys, moodlens; print(moodlens.__file__, *sys.modules)"
    done = run(installed / "python", "-c", program, cwd=tmp_path)

    place, *modules = done.stdout.split()
    assert str(REPOSITORY) not in place
    assert "moodlens" in modules
    assert not {"torch", "numpy", "PIL", "gradio", "dotenv"} & set(modules)


def test_the_three_lines_of_the_readme(installed: Path, tmp_path: Path) -> None:
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    start = readme.index("from moodlens import MoodLens")
    lines = readme[start : readme.index("```", start)]
    assert len([line for line in lines.splitlines() if line]) == 3
    shutil.copy(CAT, tmp_path / "photo.jpg")

    done = run(installed / "python", "-c", lines, cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("joy {'anger': ")


def test_the_command_answers(installed: Path, tmp_path: Path) -> None:
    done = run(installed / "moodlens", "predict", "--json", str(CAT), cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["status"] == "success"
    assert answer["model"]["source"] == "bundled"


def test_the_command_serves(installed: Path, tmp_path: Path) -> None:
    command = [str(installed / "moodlens"), "serve"]
    with RunningApp(tmp_path, {"PYTHONPATH": ""}, command=command) as app:
        app.wait_until_ready()
        assert app.predict(CAT.read_bytes()).status_code == 200
        assert "MoodLens" in httpx.get(app.url).text
        assert app.stop() == 0
