"""Taking the app to a Space: the Hub's real client against a Hub on loopback."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from huggingface_hub import RepoCard

from tests.support.hub_server import HubServer
from tests.support.hub_store import Commit
from tests.support.running_app import REPOSITORY
from training import publish
from training.publishing.space_files import app_files

SPACE = "owner/app"
MODEL = "owner/weights"


@pytest.fixture
def owner(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> HubServer:
    """The Hub, with the token of one who may write."""
    monkeypatch.setenv("HF_TOKEN", hub.WRITE_TOKEN)
    return hub


def run(*options: str) -> int:
    return publish.main(["space", SPACE, *options])


def head(hub: HubServer) -> Commit:
    commit = hub.repository(SPACE, "spaces").find("main")
    assert commit is not None
    return commit


def test_a_new_space_gets_the_apps_own_files_in_one_commit(owner: HubServer) -> None:
    assert run("--create", "--model", f"{MODEL}@v1", "--set", "MOODLENS_THREADS=2") == 0

    commit = head(owner)
    assert set(commit.files) == {*app_files(REPOSITORY), ".gitattributes"}
    assert len(owner.repository(SPACE, "spaces").history("main")) == 2  # the Hub's own and this
    weights = REPOSITORY / "moodlens/bundled/model.safetensors"
    stored = commit.files["moodlens/bundled/model.safetensors"]
    assert stored.is_large
    assert stored.sha256 == hashlib.sha256(weights.read_bytes()).hexdigest()
    variables = owner.repository(SPACE, "spaces").variables
    assert {name: held["value"] for name, held in variables.items()} == {
        "MOODLENS_CHECKPOINT": f"{MODEL}@v1",
        "MOODLENS_THREADS": "2",
    }


def test_the_readme_fits_the_space(owner: HubServer) -> None:
    assert run("--create", "--model", MODEL) == 0
    uploaded = RepoCard(head(owner).files["README.md"].content.decode())
    own = RepoCard((REPOSITORY / "README.md").read_text(encoding="utf-8"))

    assert uploaded.data["models"] == [MODEL, *own.data["models"]]
    page = f"https://huggingface.co/spaces/{SPACE}"
    assert uploaded.data["thumbnail"] == f"{page}/resolve/main/{own.data['thumbnail']}"
    assert uploaded.data["license_link"] == f"{page}/blob/main/{own.data['license_link']}"
    assert uploaded.data["python_version"] == own.data["python_version"]
    assert uploaded.text == own.text


def test_again_is_the_same_and_what_is_stale_goes(
    owner: HubServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--create", "--model", MODEL) == 0
    space = owner.repository(SPACE, "spaces")
    first, restarts = head(owner), space.restarts
    assert run("--model", MODEL) == 0
    assert (head(owner).sha, space.restarts) == (first.sha, restarts)

    space.put({"moodlens/old.py": b"old", "app.py": b"other"})
    capsys.readouterr()
    assert run("--dry-run") == 0
    shown = capsys.readouterr().out
    assert head(owner).files["app.py"].content == b"other"
    assert any("moodlens/old.py" in line and "removed" in line for line in shown.splitlines())
    assert any("app.py" in line and "changed" in line for line in shown.splitlines())
    assert run() == 0
    assert set(head(owner).files) == set(first.files)


def test_nothing_but_the_app_is_taken_along() -> None:
    files = app_files(REPOSITORY)
    assert {"app.py", "requirements.txt", "README.md", "LICENSE"} <= set(files)
    assert not [name for name in files if name.startswith(("tests/", "training/", ".git/"))]
    assert not [name for name in files if "__pycache__" in name or name.endswith((".pyi", ".env"))]
    shown = [name for name in files if name.startswith(".github/screenshots/")]
    text = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    assert shown
    assert all(name in text for name in shown)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ((), "There is no Space owner/app, or it is hidden; --create makes one."),
        (("--create", "--set", "MOODLENS_FEEDBACK_SALT=x"), "is a secret"),
        (("--create", "--set", "threads"), "--set takes NAME=VALUE"),
        (("--create", "--model", "weights"), "is not of the form owner/name"),
    ],
)
def test_what_cannot_be_is_one_sentence_and_changes_nothing(
    owner: HubServer, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], sentence: str
) -> None:
    assert run(*options) == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert error.count("\n") == 1
    assert ("spaces", SPACE) not in owner.site.repositories


def test_without_a_token_nothing_is_tried(
    hub: HubServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--create") == 2
    assert "hf auth login" in capsys.readouterr().err
    assert ("spaces", SPACE) not in hub.site.repositories


def test_the_listing_is_made_for_any_checkout(tmp_path: Path) -> None:
    for name in ("app.py", "requirements.txt", "LICENSE", "moodlens/a.py", "moodlens/b.pyc"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "moodlens" / "__pycache__").mkdir()
    (tmp_path / "moodlens" / "__pycache__" / "a.pyc").touch()
    (tmp_path / "pic.png").touch()
    (tmp_path / "README.md").write_text('![it](pic.png) [x](tests/y.md) <img src="gone.png">')
    assert app_files(tmp_path) == [
        "LICENSE", "README.md", "app.py", "moodlens/a.py", "pic.png", "requirements.txt",
    ]  # fmt: skip
