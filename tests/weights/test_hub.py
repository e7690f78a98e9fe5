"""Weights come from the Hub, from its cache or from the package, whole or not at all."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from huggingface_hub import constants, try_to_load_from_cache

from moodlens.errors import CheckpointError, HubError, SettingsError
from moodlens.weights import hub as hub_module
from moodlens.weights.hub import fetch, find_cached, newest_commit
from moodlens.weights.reference import BUNDLED, CheckpointReference, Located
from tests.support.hub_server import HubServer
from tests.support.hub_store import Commit, Repository

NAME = "owner/weights"
MAIN = CheckpointReference(NAME)
WEIGHTS = bytes(range(256)) * 40
SHA = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def repository(hub: HubServer) -> Repository:
    """A repository that holds a checkpoint, and much that is not part of one."""
    repository = hub.create(NAME)
    repository.put(
        {
            "config.json": b'{"version": 1}',
            "model.safetensors": WEIGHTS,
            "metrics.json": b"{}",
            "README.md": b"# Weights\n",
            "pytorch_model.bin": b"a pickle",
            "modeling.py": b"raise SystemExit",
            "../outside.txt": b"a path that leads out",
            "plots/reliability.png": b"a picture",
        }
    )
    return repository


locate = partial(hub_module.locate, patience=120)
"""With patience for a machine that is busy with other things; the usual one has its own tests."""


def at(commit: str) -> CheckpointReference:
    return CheckpointReference(NAME, commit)


class TestReference:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("", CheckpointReference()),
            ("  ", CheckpointReference()),
            ("owner/name", CheckpointReference("owner/name", "main")),
            (" owner/name@v1.2 ", CheckpointReference("owner/name", "v1.2")),
            ("own-er/na.me_1@refs/pr/3", CheckpointReference("own-er/na.me_1", "refs/pr/3")),
            (f"owner/name@{SHA}", CheckpointReference("owner/name", SHA)),
        ],
    )
    def test_what_can_be_asked_for(self, text: str, expected: CheckpointReference) -> None:
        assert CheckpointReference.parse(text) == expected

    def test_a_folder_that_exists(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "runs" / "best").mkdir(parents=True)
        monkeypatch.chdir(tmp_path)
        assert CheckpointReference.parse(str(tmp_path)).folder == tmp_path
        assert CheckpointReference.parse("runs/best").folder == Path("runs/best")

    @pytest.mark.parametrize(
        "text",
        [
            "name",
            "owner/name/more",
            "../name",
            "owner/..",
            "own..er/name",
            "owner/name@../../refs",
            "owner/name@v1/../../x",
            "owner/name@-x",
            "owner/name@",
            "owner/na--me",
            "owner/name.git",
            "owner/na me",
            "öwner/name",
            "https://huggingface.co/owner/name",
            "/no/such/folder",
            "./no-such-folder",
            "owner/" + "n" * 97,
        ],
    )
    def test_what_cannot(self, text: str) -> None:
        with pytest.raises(SettingsError, match="must be owner/name"):
            CheckpointReference.parse(text)

    def test_only_a_whole_commit_id_is_pinned(self) -> None:
        assert at(SHA).is_pinned
        assert not at(SHA[:12]).is_pinned
        assert not MAIN.is_pinned
        assert str(at(SHA)) == f"{NAME}@{SHA[:12]}"


def test_importing_costs_neither_torch_nor_the_hubs_client() -> None:
    code = (
        "import sys; from moodlens.weights import following, hub; hub.locate('');"
        "assert not {'torch', 'timm', 'huggingface_hub'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


class TestLocate:
    def test_nothing_asked_for_is_the_bundled_one(self, hub: HubServer) -> None:
        assert locate("") == Located(BUNDLED, None, None, "bundled")
        assert not hub.requests

    def test_a_folder(self, hub: HubServer, tmp_path: Path) -> None:
        assert locate(str(tmp_path)) == Located(tmp_path, None, None, "local")
        assert not hub.requests

    def test_main_is_named_by_the_commit_it_means(self, repository: Repository) -> None:
        located = locate(NAME)
        assert (located.name, located.source, located.notice) == (NAME, "hub", None)
        assert located.revision == repository.branches["main"]
        assert (located.folder / "model.safetensors").read_bytes() == WEIGHTS

    def test_only_the_files_of_a_checkpoint_are_downloaded(
        self, hub: HubServer, repository: Repository, huggingface_home: Path
    ) -> None:
        folder = locate(NAME).folder
        assert sorted(path.name for path in folder.rglob("*")) == [
            "README.md",
            "config.json",
            "metrics.json",
            "model.safetensors",
        ]
        assert not hub.asked(r"bin|\.py|plots|\.\.|outside")
        assert not list(huggingface_home.rglob("outside*"))

    def test_the_cache_is_the_tests_own(
        self, repository: Repository, huggingface_home: Path
    ) -> None:
        assert locate(NAME).folder.is_relative_to(huggingface_home)

    def test_a_commit_in_the_cache_costs_no_request(
        self, hub: HubServer, repository: Repository
    ) -> None:
        commit = repository.branches["main"]
        first = locate(f"{NAME}@{commit}")
        hub.forget_requests()
        again = locate(f"{NAME}@{commit}")
        assert not hub.requests
        assert (first.source, again.source) == ("hub", "cache")
        assert again.folder == first.folder
        assert again.notice is None

    def test_a_branch_in_the_cache_costs_one_request(
        self, hub: HubServer, repository: Repository
    ) -> None:
        first = locate(NAME)
        hub.forget_requests()
        assert locate(NAME) == first
        assert [request.method for request in hub.requests] == ["GET"]

    def test_a_tag(self, repository: Repository) -> None:
        repository.tags["v1"] = repository.branches["main"]
        repository.put({"config.json": b'{"version": 2}'})
        located = locate(f"{NAME}@v1")
        assert located.revision == repository.tags["v1"]
        assert (located.folder / "config.json").read_bytes() == b'{"version": 1}'


class TestFallback:
    """The Hub, then the same revision in the cache, then the bundled one; never silently."""

    def test_the_hub_is_gone_and_the_cache_has_it(
        self, hub: HubServer, repository: Repository
    ) -> None:
        first = locate(NAME)
        hub.stop()
        located = locate(NAME)
        commit = repository.branches["main"]
        assert (located.source, located.revision) == ("cache", commit)
        assert located.folder == first.folder
        assert located.notice == (
            f"The Hub cannot be reached for {NAME}@main. "
            f"The copy in the cache, {commit[:12]}, answers instead."
        )

    def test_the_hub_is_gone_and_the_cache_is_empty(
        self, hub: HubServer, repository: Repository, caplog: pytest.LogCaptureFixture
    ) -> None:
        hub.stop()
        located = locate(NAME, patience=15)  # the client's own tries take 23 seconds
        assert (located.source, located.folder) == ("bundled", BUNDLED)
        assert located.notice == (
            f"The Hub cannot be reached for {NAME}@main. The bundled checkpoint answers instead."
        )
        assert "is not to be had" in caplog.text

    def test_another_commit_in_the_cache_is_not_the_one_asked_for(
        self, hub: HubServer, repository: Repository
    ) -> None:
        locate(NAME)
        newer = repository.put({"config.json": b'{"version": 2}'})
        hub.stop()
        assert locate(f"{NAME}@{newer.sha}").source == "bundled"

    @pytest.mark.parametrize(
        "break_it",
        [
            lambda hub: hub.fail(delay=3600),
            lambda hub: hub.fail("/resolve/", delay=3600),
            lambda hub: hub.fail("/storage/", delay=3600),
        ],
        ids=["no answer", "no files", "no weights"],
    )
    def test_a_silent_hub_is_not_waited_for(
        self,
        hub: HubServer,
        repository: Repository,
        break_it: Callable[[HubServer], None],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """The client itself would wait for as long as the Hub does."""
        monkeypatch.setattr(hub_module, "_ANSWER_TIMEOUT", 3600)
        monkeypatch.setattr(constants, "HF_HUB_ETAG_TIMEOUT", 3600)
        monkeypatch.setattr(constants, "HF_HUB_DOWNLOAD_TIMEOUT", 3600)
        break_it(hub)
        located = locate(NAME, patience=0.2)
        assert located.source == "bundled"
        assert located.notice
        assert "has not yet sent" in located.notice

    def test_the_usual_patience_is_below_the_five_seconds_allowed(self) -> None:
        assert inspect.signature(hub_module.locate).parameters["patience"].default <= 4.5

    def test_a_slow_download_goes_on_into_the_cache(
        self, hub: HubServer, repository: Repository
    ) -> None:
        hub.fail("/storage/", delay=0.5)
        assert locate(NAME, patience=0.2).source == "bundled"
        deadline = time.monotonic() + 120
        while find_cached(MAIN) is None and time.monotonic() < deadline:
            time.sleep(0.05)
        assert find_cached(MAIN)

    @pytest.mark.parametrize(
        ("break_it", "reason"),
        [
            (lambda hub: hub.fail("/api/models/", status=500), "answered .* with error 500"),
            (lambda hub: hub.fail("/api/models/", status=429), "answered .* with error 429"),
            (lambda hub: hub.fail("/api/models/", status=401), "or hides it from the token"),
            (lambda hub: hub.fail("/api/models/", status=403), "or hides it from the token"),
            (lambda hub: hub.fail(reset=True), "cannot be reached"),
            (lambda hub: hub.fail("/storage/", corrupt=True), "arrives damaged"),
            (lambda hub: hub.site.repositories.clear(), "has no owner/weights"),
            (lambda hub: hub.repository(NAME).branches.clear(), "has no revision 'main'"),
        ],
    )
    def test_every_failure_has_its_sentence(
        self,
        hub: HubServer,
        repository: Repository,
        break_it: Callable[[HubServer], None],
        reason: str,
    ) -> None:
        break_it(hub)
        located = locate(NAME)
        assert located.source == "bundled"
        assert located.notice
        assert re.search(reason, located.notice), located.notice
        assert located.notice.endswith("The bundled checkpoint answers instead.")
        assert "http" not in located.notice

    def test_offline_on_purpose(
        self, hub: HubServer, repository: Repository, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
        located = locate(NAME)
        assert located.notice
        assert located.notice.startswith("HF_HUB_OFFLINE keeps owner/weights@main")
        assert not hub.requests

    def test_a_private_repository_opens_with_a_token(
        self, hub: HubServer, repository: Repository, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        repository.private = True
        assert locate(NAME).source == "bundled"
        monkeypatch.setenv("HF_TOKEN", hub.READ_TOKEN)
        assert locate(NAME).source == "hub"

    def test_a_setting_that_names_nothing(self, hub: HubServer) -> None:
        located = locate("not a checkpoint")
        assert located.source == "bundled"
        assert located.notice
        assert located.notice.startswith("The checkpoint must be owner/name")


class TestWholeOrNotAtAll:
    def test_a_damaged_transfer_is_repeated(self, hub: HubServer, repository: Repository) -> None:
        hub.fail("/storage/", corrupt=True, times=1)
        located = fetch(MAIN)
        assert (located.folder / "model.safetensors").read_bytes() == WEIGHTS
        assert len(hub.asked("/storage/")) == 2

    @pytest.mark.parametrize("file", ["config.json", "model.safetensors"])
    def test_a_file_that_always_arrives_damaged_is_not_kept(
        self, hub: HubServer, repository: Repository, file: str
    ) -> None:
        hub.fail("/storage/" if file.startswith("model") else file, corrupt=True)
        with pytest.raises(HubError, match=f"{file} of owner/weights arrives damaged"):
            fetch(MAIN)
        commit = repository.branches["main"]
        assert not isinstance(try_to_load_from_cache(NAME, file, revision=commit), str)
        assert find_cached(at(commit)) is None

    def test_main_in_the_cache_stays_the_last_whole_one(
        self, hub: HubServer, repository: Repository
    ) -> None:
        whole = fetch(MAIN)
        repository.put({"config.json": b'{"version": 2}', "model.safetensors": WEIGHTS[::-1]})
        hub.fail("/storage/", corrupt=True)
        with pytest.raises(HubError):
            fetch(MAIN)
        cached = find_cached(MAIN)
        assert cached
        assert cached.folder == whole.folder

    def test_a_cache_that_was_changed_can_be_mended(self, repository: Repository) -> None:
        weights = fetch(MAIN).folder / "model.safetensors"
        weights.resolve().write_bytes(b"something else")
        assert fetch(MAIN).folder.joinpath("model.safetensors").read_bytes() == b"something else"
        fetch(MAIN, trust_cache=False)
        assert weights.read_bytes() == WEIGHTS

    def test_a_cache_that_cannot_note_the_branch_still_serves(
        self, repository: Repository, huggingface_home: Path
    ) -> None:
        folder = huggingface_home / "hub" / "models--owner--weights"
        folder.mkdir(parents=True)
        (folder / "refs").write_text("no folder")
        assert locate(NAME).source == "hub"

    def test_a_branch_whose_name_has_a_slash(self, repository: Repository) -> None:
        repository.branches["next/one"] = repository.branches["main"]
        fetch(at("next/one"))
        cached = find_cached(at("next/one"))
        assert cached
        assert cached.revision == repository.branches["main"]


class TestStrangeRepositories:
    @pytest.mark.parametrize("missing", ["config.json", "model.safetensors"])
    def test_a_file_is_missing(self, hub: HubServer, repository: Repository, missing: str) -> None:
        files = dict(repository.history("main")[0].files)
        del files[missing], files["pytorch_model.bin"]
        repository.commit("main", files, title="Remove a file")
        with pytest.raises(CheckpointError) as caught:
            fetch(MAIN)
        assert str(caught.value) == f"owner/weights@main has no {missing}."
        assert not hub.asked("/resolve/")

    def test_pickled_weights_only(self, hub: HubServer) -> None:
        hub.create(NAME).put({"config.json": b"{}", "pytorch_model.bin": b"a pickle"})
        with pytest.raises(CheckpointError, match="only holds pickled weights"):
            fetch(MAIN)
        assert not hub.asked("/resolve/")

    def test_a_config_of_five_megabytes(self, hub: HubServer, repository: Repository) -> None:
        repository.put({"config.json": b" " * 5_000_000})
        with pytest.raises(CheckpointError, match=r"config\.json .* larger than the 4 MB"):
            fetch(MAIN)
        assert not hub.asked("/resolve/")

    def test_weights_beyond_the_limit(
        self, hub: HubServer, repository: Repository, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(hub_module, "_MAX_WEIGHTS_BYTES", len(WEIGHTS) - 1)
        with pytest.raises(CheckpointError, match=r"model\.safetensors .* is larger"):
            fetch(MAIN)
        assert not hub.asked("/resolve/")

    def test_a_commit_id_that_leads_out_of_the_cache(self, repository: Repository) -> None:
        head = repository.history("main")[0]
        evil = "../../../evil"
        repository.commits[evil] = Commit(evil, head.files, None, "Evil")
        repository.branches["main"] = evil
        with pytest.raises(HubError, match="names no commit"):
            fetch(MAIN)

    def test_the_cache_still_answers(self, repository: Repository) -> None:
        first = locate(NAME)
        repository.commit("main", {}, title="Remove all")
        located = locate(NAME)
        assert (located.source, located.revision) == ("cache", first.revision)
        assert located.notice
        assert located.notice.startswith("owner/weights@main has no config.json.")


def test_newest_commit_is_one_request(hub: HubServer, repository: Repository) -> None:
    assert newest_commit(MAIN) == repository.branches["main"]
    assert len(hub.requests) == 1
    with pytest.raises(ValueError, match="not on the Hub"):
        newest_commit(CheckpointReference())
