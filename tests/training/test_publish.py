"""Publishing: only what was evaluated, all or nothing, explained before and after."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from huggingface_hub import HfApi, ModelCard
from PIL import Image

from moodlens.model.checkpoint import load_checkpoint
from moodlens.model.checkpoint_files import file_sha256
from moodlens.model.predictor import Predictor
from moodlens.model.probe import probe_picture
from moodlens.prediction import ModelInfo
from moodlens.weights.pretrained import from_pretrained
from tests.support.emotion6_factory import make_emotion6
from tests.support.hub_server import HubServer
from tests.support.hub_store import Repository
from tests.support.running_app import RunningApp
from tests.support.tiny_checkpoint import make_checkpoint
from training import evaluate, publish
from training.publishing.publication import refuse_worse

REPO = "owner/weights"
SPACE = "owner/app"
FILES = {
    ".gitattributes",
    "README.md",
    "config.json",
    "metrics.json",
    "model.safetensors",
    "evaluation/confusion.png",
    "evaluation/coverage.png",
    "evaluation/reliability.png",
    "evaluation/shares.png",
}

Edit = Callable[[dict[str, Any]], None]
Make = Callable[..., Path]


@pytest.fixture(scope="module")
def evaluated_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_checkpoint(tmp_path_factory.mktemp("checkpoint"), training={"epochs": 3})
    data = make_emotion6(tmp_path_factory.mktemp("data"), per_keyword=4)
    arguments = ["--data", str(data), "--checkpoint", str(folder), "--split", "all"]
    assert evaluate.main(arguments) == 0
    return folder


@pytest.fixture
def make(evaluated_once: Path, tmp_path: Path) -> Make:
    """Checkpoints that were evaluated; the figures can be edited, as other weights have others."""

    def make_evaluated(name: str = "checkpoint", *, seed: int = 0, kl: float | None = None) -> Path:
        folder = tmp_path / name
        shutil.copytree(evaluated_once, folder)
        metrics = json.loads((folder / "metrics.json").read_text())
        if seed:
            make_checkpoint(folder, seed=seed, training={"epochs": 3})
            metrics["model_sha256"] = file_sha256(folder / "model.safetensors")
            metrics["config_sha256"] = file_sha256(folder / "config.json")
        if kl is not None:
            metrics["metrics"]["kl"]["value"] = kl
        (folder / "metrics.json").write_text(json.dumps(metrics))
        return folder

    return make_evaluated


@pytest.fixture
def owner(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> HubServer:
    """The Hub, with the token of one who may write."""
    monkeypatch.setenv("HF_TOKEN", hub.WRITE_TOKEN)
    return hub


def run(folder: Path, *options: str) -> int:
    return publish.main(["--checkpoint", str(folder), "--repo", REPO, *options])


def edit_metrics(folder: Path, edit: Edit) -> None:
    path = folder / "metrics.json"
    metrics = json.loads(path.read_text())
    edit(metrics)
    path.write_text(json.dumps(metrics))


def head(hub: HubServer, branch: str = "main") -> str:
    return hub.repository(REPO).branches[branch]


def test_published_weights_answer_as_before_bit_for_bit(
    hub: HubServer, make: Make, tmp_path: Path
) -> None:
    """Through the command line and HF_ENDPOINT, as people do it."""
    folder = make()
    token = {"HF_TOKEN": hub.WRITE_TOKEN}
    done = subprocess.run(
        [sys.executable, "-m", "training.publish", "--checkpoint", folder, "--repo", REPO],
        env=os.environ | token,
        capture_output=True,
        text=True,
        check=True,
    )
    setting = re.search(r"^MOODLENS_CHECKPOINT=(\S+)$", done.stdout, re.MULTILINE)
    assert setting
    assert setting[1] == f"{REPO}@{head(hub)}"

    pictures = [
        probe_picture(),
        Image.effect_mandelbrot((90, 70), (-2, -1, 1, 1), 9).convert("RGB"),
    ]
    before = Predictor(load_checkpoint(folder), ModelInfo("", "", "")).predict(pictures)
    after = from_pretrained(setting[1]).predict(pictures)
    for old, new in zip(before, after, strict=True):
        assert new.distribution == old.distribution
        assert (new.neutral, new.valence, new.arousal) == (old.neutral, old.valence, old.arousal)
        assert new.model == ModelInfo(REPO, head(hub), "hub")


class TestCommit:
    def test_one_commit_holds_it_all(self, owner: HubServer, make: Make) -> None:
        folder = make()
        assert run(folder) == 0
        repository = owner.repository(REPO)
        newest, initial = repository.history("main")
        assert initial.title == "initial commit"
        assert newest.title == "Publish tiny"
        assert set(newest.files) == FILES
        for path in FILES - {".gitattributes"}:
            assert newest.files[path].content == (folder / path).read_bytes()

    def test_it_is_tagged_and_named(
        self, owner: HubServer, make: Make, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run(make()) == 0
        commit = head(owner)
        said = capsys.readouterr().out
        assert f"Commit: {commit}\n" in said
        assert f"MOODLENS_CHECKPOINT={REPO}@{commit}\n" in said
        (tag,) = owner.repository(REPO).tags
        assert re.fullmatch(rf"\d{{4}}-\d\d-\d\d-{commit[:8]}", tag)
        assert owner.repository(REPO).tags[tag] == commit
        assert f"Tag: {tag}\n" in said

    def test_what_changes_is_said_before_it_changes(
        self, owner: HubServer, make: Make, capsys: pytest.CaptureFixture[str]
    ) -> None:
        run(make(kl=1.5))
        capsys.readouterr()
        owner.fail("/commit/", status=403)
        assert run(make("second", seed=1, kl=1.25)) == 2
        said = capsys.readouterr().out
        assert re.search(r"KL ↓ +1\.5000 +1\.2500 +-0\.2500", said)
        assert re.search(r"model\.safetensors +[\d,]+ +changed", said)
        assert re.search(r"shares\.png +[\d,]+ +unchanged", said)

    def test_pictures_of_an_older_evaluation_go(self, owner: HubServer, make: Make) -> None:
        owner.create(REPO).put({"evaluation/old.png": b"old", "notes.txt": b"mine"})
        assert run(make()) == 0
        files = set(owner.repository(REPO).history("main")[0].files)
        assert files == FILES | {"notes.txt"}

    def test_twice_the_same_makes_one_commit(
        self, owner: HubServer, make: Make, capsys: pytest.CaptureFixture[str]
    ) -> None:
        folder = make()
        assert run(folder) == 0
        assert run(folder) == 0
        assert len(owner.repository(REPO).history("main")) == 2
        assert "holds exactly this already" in capsys.readouterr().out

    def test_another_branch(self, owner: HubServer, make: Make) -> None:
        run(make(kl=1.5))
        main = head(owner)
        assert run(make("second", seed=1, kl=1.25), "--revision", "next/try") == 0
        assert head(owner) == main
        assert [c.sha for c in owner.repository(REPO).history("next/try")][1] == main
        assert run(make("third", seed=2, kl=1.3), "--revision", "next/try") == 2

    def test_a_branch_of_a_new_repository(self, owner: HubServer, make: Make) -> None:
        assert run(make(), "--revision", "next") == 0
        assert set(owner.repository(REPO).find("next").files) == FILES  # type: ignore[union-attr]
        assert "model.safetensors" not in owner.repository(REPO).history("main")[0].files

    @pytest.mark.parametrize("options", [(), ("--private",)])
    def test_private_or_not(self, owner: HubServer, make: Make, options: tuple[str, ...]) -> None:
        assert run(make(), *options) == 0
        assert owner.repository(REPO).private is bool(options)

    def test_the_card_is_valid(self, owner: HubServer, make: Make) -> None:
        folder = make()
        run(folder)
        assert owner.asked("/api/validate-yaml")
        card = ModelCard.load(REPO)
        card.validate()
        assert card.data.library_name == "moodlens"

    def test_the_three_lines_of_the_card_work(
        self, owner: HubServer, make: Make, capsys: pytest.CaptureFixture[str]
    ) -> None:
        run(make())
        code = ModelCard.load(REPO).text.split("```python\n")[1].split("```")[0]
        capsys.readouterr()
        exec(code, {"picture": probe_picture()})
        assert head(owner) in capsys.readouterr().out


class TestRefusals:
    """Each is a sentence on standard error, exit status 2, and nothing on the Hub."""

    @pytest.fixture
    def refused(self, owner: HubServer, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
        def run_and_read(folder: Path, *options: str) -> str:
            before = _state(owner)
            capsys.readouterr()
            assert run(folder, *options) == 2
            assert _state(owner) == before
            said = capsys.readouterr()
            assert "Commit:" not in said.out
            assert "Traceback" not in said.err
            return said.err.strip().splitlines()[-1]  # progress bars may stand before it

        return run_and_read

    def test_no_metrics(self, make: Make, refused: Callable[..., str]) -> None:
        folder = make()
        (folder / "metrics.json").unlink()
        assert "run training.evaluate first" in refused(folder)

    def test_metrics_of_another_format(self, make: Make, refused: Callable[..., str]) -> None:
        folder = make()
        edit_metrics(folder, lambda metrics: metrics.update(format=0))
        assert "run training.evaluate first" in refused(folder)

    def test_other_weights_than_were_evaluated(
        self, make: Make, refused: Callable[..., str]
    ) -> None:
        folder = make()
        metrics = (folder / "metrics.json").read_bytes()
        make_checkpoint(folder, seed=1)
        (folder / "metrics.json").write_bytes(metrics)
        assert "model.safetensors is not the one that was evaluated" in refused(folder)

    def test_another_config_than_was_evaluated(
        self, make: Make, refused: Callable[..., str]
    ) -> None:
        folder = make()
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps(config | {"name": "better"}))
        assert "config.json is not the one that was evaluated" in refused(folder)

    def test_damaged_weights(self, make: Make, refused: Callable[..., str]) -> None:
        folder = make()
        weights = folder / "model.safetensors"
        weights.write_bytes(weights.read_bytes()[:-100])
        assert "is damaged" in refused(folder)

    def test_no_checkpoint_at_all(self, tmp_path: Path, refused: Callable[..., str]) -> None:
        assert refused(tmp_path) == "The checkpoint has no config.json."

    def test_worse_than_what_is_there(
        self, owner: HubServer, make: Make, refused: Callable[..., str]
    ) -> None:
        run(make(kl=1.25))
        worse = make("worse", seed=1, kl=1.2501)
        assert refused(worse) == (
            f"These weights are worse than those of {REPO}: KL 1.2501 instead of 1.2500 on all; "
            "--allow-worse publishes them all the same."
        )
        assert run(worse, "--allow-worse") == 0

    @pytest.mark.parametrize(
        "edit",
        [
            lambda metrics: metrics["split"].update(name="reference_val"),
            lambda metrics: metrics["split"].update(size=5),
            lambda metrics: metrics["split"].update(seen_in_training=True),
            lambda metrics: metrics.update(format=0),
            lambda metrics: metrics.clear(),
        ],
    )
    def test_other_pictures_are_no_comparison(
        self, owner: HubServer, make: Make, edit: Edit
    ) -> None:
        there = make(kl=1.0)
        edit_metrics(there, edit)
        owner.create(REPO).put({"metrics.json": (there / "metrics.json").read_bytes()})
        assert run(make("new", kl=1.25)) == 0

    def test_no_token(
        self, make: Make, refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("HF_TOKEN")
        assert "set HF_TOKEN, or run `hf auth login`" in refused(make())

    def test_a_token_from_the_login(
        self, owner: HubServer, make: Make, monkeypatch: pytest.MonkeyPatch, huggingface_home: Path
    ) -> None:
        monkeypatch.delenv("HF_TOKEN")
        (huggingface_home / "token").write_text(owner.WRITE_TOKEN)
        assert run(make()) == 0

    def test_a_read_only_token(
        self,
        owner: HubServer,
        make: Make,
        refused: Callable[..., str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setenv("HF_TOKEN", owner.READ_TOKEN)
        assert "may only read" in refused(make())

    def test_an_unknown_token(
        self, make: Make, refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HF_TOKEN", "hf_unknown")
        assert "does not accept the Hugging Face token" in refused(make())

    def test_a_token_without_rights_there(
        self, owner: HubServer, make: Make, refused: Callable[..., str]
    ) -> None:
        owner.fail("/repos/create", status=403)
        assert f"may not write to {REPO}" in refused(make())

    @pytest.mark.parametrize("repository", ["weights", "a/b/c", "own er/weights", "owner/../x"])
    def test_no_name_on_the_hub(
        self,
        owner: HubServer,
        make: Make,
        capsys: pytest.CaptureFixture[str],
        repository: str,
    ) -> None:
        assert publish.main(["--checkpoint", str(make()), "--repo", repository]) == 2
        assert "is not of the form owner/name" in capsys.readouterr().err
        assert not owner.site.repositories

    def test_public_where_private_is_wanted(
        self, owner: HubServer, make: Make, refused: Callable[..., str]
    ) -> None:
        owner.create(REPO)
        assert refused(make(), "--private") == (
            f"{REPO} is public already; --private only makes new ones so."
        )

    def test_the_hub_is_gone(
        self, owner: HubServer, make: Make, refused: Callable[..., str]
    ) -> None:
        owner.stop()
        assert "cannot be reached" in refused(make())

    @pytest.mark.parametrize("path", ["/revision/", "/validate-yaml", "/commit/"])
    @pytest.mark.parametrize(
        ("fault", "reason"), [({"status": 500}, "error 500"), ({"reset": True}, "connection")]
    )
    def test_the_hub_fails_on_the_way(
        self,
        owner: HubServer,
        make: Make,
        refused: Callable[..., str],
        path: str,
        fault: dict[str, Any],
        reason: str,
    ) -> None:
        owner.create(REPO)
        owner.fail(path, **fault)
        assert reason in refused(make())

    def test_another_commit_came_in_between(
        self,
        owner: HubServer,
        make: Make,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        """Somebody else publishes while this one is compared."""
        repository = owner.create(REPO)
        compare = refuse_worse

        def meanwhile(*arguments: Any) -> None:
            compare(*arguments)
            repository.put({"model.safetensors": b"theirs"})

        monkeypatch.setattr(publish, "refuse_worse", meanwhile)
        assert run(make()) == 2
        assert "changed in the meantime" in capsys.readouterr().err
        assert repository.history("main")[0].files["model.safetensors"].content == b"theirs"


class TestDryRun:
    def test_nothing_changes_and_no_token_is_needed(
        self, hub: HubServer, make: Make, capsys: pytest.CaptureFixture[str]
    ) -> None:
        folder = make()
        assert run(folder, "--dry-run") == 0
        assert {request.method for request in hub.requests} == {"GET"}
        assert not hub.site.repositories
        assert "Dry run: nothing was uploaded" in capsys.readouterr().out
        assert ModelCard.load(folder / "README.md").data.pipeline_tag == "image-classification"

    def test_it_refuses_what_the_real_one_would(self, owner: HubServer, make: Make) -> None:
        run(make(kl=1.25))
        assert run(make("worse", kl=1.5), "--dry-run") == 2


class TestSpace:
    @pytest.fixture
    def space(self, owner: HubServer) -> Repository:
        return owner.create(SPACE, "spaces")

    def test_its_variable_names_the_new_commit(
        self, owner: HubServer, make: Make, space: Repository
    ) -> None:
        assert run(make(), "--space", SPACE) == 0
        assert HfApi().get_space_variables(SPACE)["MOODLENS_CHECKPOINT"].value == (
            f"{REPO}@{head(owner)}"
        )
        assert space.restarts == 1

    def test_it_is_restarted_where_the_variable_is_right_already(
        self, owner: HubServer, make: Make, space: Repository
    ) -> None:
        folder = make()
        run(folder, "--space", SPACE)
        assert run(folder, "--space", SPACE) == 0
        assert space.restarts == 2
        assert len(owner.asked(f"/api/spaces/{SPACE}/restart", "POST")) == 1

    def test_an_unknown_space_is_noticed_before_the_upload(
        self, owner: HubServer, make: Make, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run(make(), "--space", SPACE) == 2
        assert f"The Hub has no {SPACE}" in capsys.readouterr().err
        assert ("models", REPO) not in owner.site.repositories

    def test_what_fails_after_the_commit_leaves_the_commit(
        self,
        owner: HubServer,
        make: Make,
        space: Repository,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        owner.fail("/variables", method="POST", status=500)
        owner.fail("/tag/", status=500)
        assert run(make(), "--space", SPACE) == 1
        said = capsys.readouterr().out
        assert f"Commit: {head(owner)}" in said
        assert "but not its tag" in said
        assert f"the Space {SPACE} was not told" in said


def test_an_app_that_follows_main_swaps_without_losing_a_request(
    owner: HubServer, make: Make, tmp_path: Path
) -> None:
    """The whole way: publish, a running app, publish again, and no request in between fails."""
    assert run(make(kl=1.5)) == 0
    old = head(owner)
    settings = {"MOODLENS_CHECKPOINT": REPO, "MOODLENS_FOLLOW_SECONDS": "1"}
    with RunningApp(tmp_path, settings) as app:
        app.wait_until_ready()
        _wait_for_revision(app, old)
        answers = _ask_while(app, lambda: run(make("second", seed=1, kl=1.25)))
        new = head(owner)
        answers += _ask_while(app, lambda: _wait_for_revision(app, new))
        answers += _ask_while(app, lambda: time.sleep(0.5))
    assert {answer.status_code for answer in answers} == {200}
    first: dict[str, dict[str, float]] = {}
    for answer in answers:
        body = answer.json()
        shares = body["prediction"]["probability_distribution"]
        expected = first.setdefault(body["model"]["revision"], shares)
        assert shares == pytest.approx(expected, abs=2e-4)  # of each version's own answer
    assert set(first) == {old, new}
    assert first[new] != pytest.approx(first[old], abs=0.01)


def _wait_for_revision(app: RunningApp, revision: str) -> None:
    deadline = time.monotonic() + 300
    while httpx.get(f"{app.url}/healthz", timeout=60).json()["model"]["revision"] != revision:
        assert time.monotonic() < deadline, "the app does not get there"
        time.sleep(0.2)


def _ask_while(app: RunningApp, work: Callable[[], object]) -> list[httpx.Response]:
    """Three callers ask without a pause for as long as the work takes."""
    stream = io.BytesIO()
    probe_picture().save(stream, "PNG")
    done = threading.Event()

    def ask() -> list[httpx.Response]:
        answers = []
        while not done.is_set():
            answers.append(app.predict(stream.getvalue(), "a.png"))
        return answers

    with ThreadPoolExecutor(3) as pool:
        callers = [pool.submit(ask) for _ in range(3)]
        try:
            work()
        finally:
            done.set()
        return [answer for caller in callers for answer in caller.result()]


def _state(hub: HubServer) -> list[tuple[str, str, dict[str, str]]]:
    """All repositories and where their branches are; an empty new one does no harm."""
    return [
        (kind, name, dict(repository.branches))
        for (kind, name), repository in hub.site.repositories.items()
        if len(repository.commits) > 1
    ]
