"""The files that have to agree with one another, and what must never be in them."""

import json
import re
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

import pytest
import tomlkit
import yaml
from huggingface_hub import SpaceHardware

from moodlens.settings import Settings
from tests.support.running_app import REPOSITORY

TOP_LEVEL = {"app.py", "moodlens", "training", "requirements.txt", "README.md", "LICENSE", "tests"}
TOOLING = {"Dockerfile", "Makefile", "pyproject.toml"}
ZERO_GPU_PYTHONS = ("3.12.12", "3.10.13")
"""What ZeroGPU offers; a Space that asks for another one gets the older of the two."""


def tracked() -> list[str]:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    if listing.returncode:
        pytest.skip("not a git checkout")
    return [name for name in listing.stdout.splitlines() if (REPOSITORY / name).is_file()]


@pytest.fixture(scope="module")
def front_matter() -> dict[str, Any]:
    text = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    assert text.startswith("---\n")
    matter: dict[str, Any] = yaml.safe_load(text.split("---\n")[1])
    return matter


def test_the_space_runs_the_gradio_that_is_required(front_matter: dict[str, Any]) -> None:
    requirements = (REPOSITORY / "requirements.txt").read_text(encoding="utf-8")
    assert front_matter["sdk"] == "gradio"
    assert f"gradio=={front_matter['sdk_version']}\n" in requirements


def test_the_space_starts_what_is_there(front_matter: dict[str, Any]) -> None:
    assert (REPOSITORY / front_matter["app_file"]).is_file()
    assert front_matter["python_version"] in ZERO_GPU_PYTHONS
    assert len(front_matter["short_description"]) <= 60
    assert {"title", "emoji", "models", "tags"} <= set(front_matter)
    assert front_matter["suggested_hardware"] in {hardware.value for hardware in SpaceHardware}
    assert (REPOSITORY / front_matter["thumbnail"]).is_file()


def test_the_spaces_licence_is_that_of_code_and_weights_together(
    front_matter: dict[str, Any],
) -> None:
    """Under "mit" alone, the weights that come along would be offered for what Emotion6 forbids."""
    assert front_matter["license"] == "other"
    assert "mit" in front_matter["license_name"]
    assert "research-only" in front_matter["license_name"]
    assert "Research use only" in (REPOSITORY / front_matter["license_link"]).read_text("utf-8")


def test_the_code_keeps_to_the_oldest_python_that_a_space_may_give_it() -> None:
    """Two tools look: the types by mypy and the library by vermin, both in `make quality`."""
    text = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    settings: dict[str, Any] = tomlkit.parse(text).unwrap()
    oldest = min(ZERO_GPU_PYTHONS, key=lambda text: [int(part) for part in text.split(".")])
    minor = oldest.rpartition(".")[0]

    assert settings["project"]["requires-python"] == f">={minor}"
    assert settings["tool"]["ruff"]["target-version"] == f"py{minor.replace('.', '')}"
    assert settings["tool"]["mypy"]["python_version"] == minor
    vermin = str(Path(sysconfig.get_path("scripts"), "vermin"))
    code = [str(REPOSITORY / name) for name in ("app.py", "moodlens", "training", "tests")]
    command = [vermin, "--quiet", f"--target={minor}-", "--no-tips", *code]
    assert subprocess.run(command, check=False).returncode == 0


def test_every_setting_is_in_the_example_file() -> None:
    source = (REPOSITORY / "moodlens/settings.py").read_text(encoding="utf-8")
    example = (REPOSITORY / ".env.example").read_text(encoding="utf-8")
    assert set(re.findall(r'"(MOODLENS_\w+)"', source)) == set(
        re.findall(r"^(MOODLENS_\w+)=", example, re.MULTILINE)
    )


def test_the_example_file_shows_the_defaults() -> None:
    example = (REPOSITORY / ".env.example").read_text(encoding="utf-8")
    shown = dict(re.findall(r"^(MOODLENS_\w+)=(.*)$", example, re.MULTILINE))
    default = Settings()
    assert shown["MOODLENS_CHECKPOINT"] == default.checkpoint
    assert shown["MOODLENS_HOST"] == default.host
    assert shown["MOODLENS_PORT"] == str(default.port)
    assert shown["MOODLENS_MAX_QUEUE"] == str(default.max_queue)
    assert int(shown["MOODLENS_MAX_MEGABYTES"]) * 1_000_000 == default.limits.max_bytes
    assert int(shown["MOODLENS_MAX_MEGAPIXELS"]) * 1_000_000 == default.limits.max_pixels


def test_the_top_level_is_as_agreed() -> None:
    top = {name.split("/")[0] for name in tracked()}
    assert {name for name in top if not name.startswith(".")} == TOP_LEVEL | TOOLING


def test_the_bundled_checkpoint_is_small_and_says_its_terms() -> None:
    folder = REPOSITORY / "moodlens/bundled"
    assert sum(path.stat().st_size for path in folder.iterdir()) < 30_000_000
    assert "Research use only" in (folder / "LICENSE.md").read_text(encoding="utf-8")
    assert "Research use only" in json.loads((folder / "config.json").read_text())["license"]


def test_no_file_is_too_large_or_names_a_machine() -> None:
    forbidden = re.compile(r"/work/(?!\*)|/root/|/home/\w+/|extra-index-url|find-links")
    for name in tracked():
        path = REPOSITORY / name
        assert path.stat().st_size < 10_000_000, name
        if path.suffix in {".py", ".md", ".txt", ".toml", ".yaml", ".json", ""} and (
            path != Path(__file__)
        ):
            assert not forbidden.search(path.read_text(encoding="utf-8", errors="ignore")), name


def test_links_in_the_documents_lead_somewhere() -> None:
    for name in (
        "README.md",
        ".github/CONTRIBUTING.md",
        ".github/SECURITY.md",
        "training/RESULTS.md",
    ):
        path = REPOSITORY / name
        for link in re.findall(r"\]\(([^)#]+)\)", path.read_text(encoding="utf-8")):
            if not link.startswith("http"):
                assert (path.parent / link).exists(), f"{name}: {link}"
