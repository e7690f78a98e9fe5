"""The test Hub answers the real client as the real Hub does."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from huggingface_hub import (
    CommitOperationAdd,
    CommitOperationDelete,
    CommitScheduler,
    HfApi,
    ModelCard,
    constants,
    hf_hub_download,
    snapshot_download,
)
from huggingface_hub.errors import (
    EntryNotFoundError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    LocalTokenNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from tests.support.hub_server import HubServer

REPO = "owner/weights"
WEIGHTS = bytes(range(256)) * 400


@pytest.fixture
def api(hub: HubServer) -> HfApi:
    return HfApi(token=hub.WRITE_TOKEN)


@pytest.fixture
def published(api: HfApi) -> str:
    """The id of a commit with a small file and weights."""
    api.create_repo(REPO)
    return publish(api, b'{"version": 1}', WEIGHTS)


def publish(
    api: HfApi,
    config: bytes,
    weights: bytes,
    *,
    revision: str | None = None,
    parent_commit: str | None = None,
) -> str:
    operations = [
        CommitOperationAdd("config.json", config),
        CommitOperationAdd("model.safetensors", weights),
    ]
    return api.create_commit(
        REPO,
        operations,
        commit_message="Publish",
        revision=revision,
        parent_commit=parent_commit,
    ).oid


def test_the_client_finds_the_server_through_hf_endpoint_alone(hub: HubServer) -> None:
    code = (
        "from huggingface_hub import HfApi, constants; print(HfApi().whoami()['name']);"
        "print(constants.HF_HUB_CACHE)"
    )
    environment = os.environ | {"HF_TOKEN": hub.WRITE_TOKEN}
    run = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    name, cache = run.stdout.split()
    assert name == "owner"
    assert cache == constants.HF_HUB_CACHE


class TestAccounts:
    def test_whoami_names_the_user_and_the_role(self, hub: HubServer, api: HfApi) -> None:
        assert api.whoami()["name"] == "owner"
        assert api.whoami()["auth"]["accessToken"]["role"] == "write"
        reader = HfApi(token=hub.READ_TOKEN).whoami()
        assert reader["auth"]["accessToken"]["role"] == "read"

    def test_no_token_is_noticed_before_asking(self, hub: HubServer) -> None:
        with pytest.raises(LocalTokenNotFoundError):
            HfApi().whoami()
        assert not hub.requests

    def test_an_unknown_token_is_unauthorised(self, hub: HubServer) -> None:
        with pytest.raises(HfHubHTTPError, match="Invalid user token") as caught:
            HfApi(token="hf_unknown").whoami()
        assert caught.value.response.status_code == 401

    @pytest.mark.parametrize("name", ["owner/new", "other/new"])
    def test_a_read_token_or_another_owner_may_not_write(self, hub: HubServer, name: str) -> None:
        token = hub.READ_TOKEN if name.startswith("owner") else hub.WRITE_TOKEN
        with pytest.raises(HfHubHTTPError) as caught:
            HfApi(token=token).create_repo(name)
        assert caught.value.response.status_code == 403
        assert not hub.site.repositories

    def test_auth_check(self, hub: HubServer, published: str) -> None:
        HfApi(token=hub.READ_TOKEN).auth_check(REPO)
        HfApi(token=hub.WRITE_TOKEN).auth_check(REPO, write=True)
        with pytest.raises(HfHubHTTPError):
            HfApi(token=hub.READ_TOKEN).auth_check(REPO, write=True)


class TestRepositories:
    @pytest.mark.parametrize("kind", ["model", "dataset", "space"])
    def test_create_find_delete(self, api: HfApi, kind: str) -> None:
        sdk = "gradio" if kind == "space" else None
        url = api.create_repo(REPO, repo_type=kind, space_sdk=sdk)
        assert (url.repo_id, url.repo_type) == (REPO, kind)
        with pytest.raises(HfHubHTTPError, match="already"):
            api.create_repo(REPO, repo_type=kind, space_sdk=sdk)
        again = api.create_repo(REPO, repo_type=kind, space_sdk=sdk, exist_ok=True)
        assert again == url
        assert api.repo_info(REPO, repo_type=kind).sha
        assert api.list_repo_files(REPO, repo_type=kind) == [".gitattributes"]
        api.delete_repo(REPO, repo_type=kind)
        assert not api.repo_exists(REPO, repo_type=kind)

    def test_a_private_repository_is_hidden_from_strangers(
        self, hub: HubServer, api: HfApi
    ) -> None:
        api.create_repo(REPO, private=True)
        assert api.model_info(REPO).private
        with pytest.raises(HfHubHTTPError) as caught:
            HfApi(token=False).model_info(REPO)
        assert caught.value.response.status_code == 401

    def test_what_is_missing_has_the_clients_own_error(self, api: HfApi, published: str) -> None:
        with pytest.raises(RepositoryNotFoundError):
            api.model_info("owner/missing")
        with pytest.raises(RevisionNotFoundError):
            api.model_info(REPO, revision="missing")
        with pytest.raises(EntryNotFoundError):
            hf_hub_download(REPO, "missing.json")

    def test_model_info_lists_sizes_and_hashes(self, api: HfApi, published: str) -> None:
        info = api.model_info(REPO, revision="main", files_metadata=True)
        assert info.sha == published
        assert info.siblings
        weights = next(s for s in info.siblings if s.rfilename == "model.safetensors")
        assert weights.size == len(WEIGHTS)
        assert weights.lfs
        assert weights.lfs.sha256 == hashlib.sha256(WEIGHTS).hexdigest()
        assert api.model_info(REPO, revision=published[:40]).sha == published

    def test_listings(self, api: HfApi, published: str) -> None:
        api.upload_file(
            path_or_fileobj=b"x", path_in_repo="plots/deep/a.txt", repo_id=REPO, repo_type="model"
        )
        assert "plots/deep/a.txt" in api.list_repo_files(REPO)
        assert [entry.path for entry in api.list_repo_tree(REPO, "plots")] == ["plots/deep"]
        assert "plots" in [entry.path for entry in api.list_repo_tree(REPO)]
        assert "plots/deep/a.txt" not in api.list_repo_files(REPO, revision=published)
        paths = api.get_paths_info(REPO, ["config.json", "nothing.json"])
        assert [path.path for path in paths] == ["config.json"]
        assert api.file_exists(REPO, "config.json")
        assert not api.file_exists(REPO, "nothing.json")

    def test_branches_and_tags(self, api: HfApi, published: str) -> None:
        api.create_branch(REPO, branch="next/one")
        api.create_tag(REPO, tag="v1", revision=published)
        second = publish(api, b"{}", WEIGHTS[::-1], revision="next/one")
        refs = api.list_repo_refs(REPO)
        assert {ref.name: ref.target_commit for ref in refs.branches} == {
            "main": published,
            "next/one": second,
        }
        assert [(ref.name, ref.target_commit) for ref in refs.tags] == [("v1", published)]
        assert api.model_info(REPO, revision="v1").sha == published
        assert api.model_info(REPO, revision="next/one").sha == second
        with pytest.raises(HfHubHTTPError, match="409"):
            api.create_tag(REPO, tag="v1")
        api.create_tag(REPO, tag="v1", exist_ok=True)
        api.create_branch(REPO, branch="next/one", exist_ok=True)
        api.delete_tag(REPO, tag="v1")
        api.delete_branch(REPO, branch="next/one")
        assert not api.list_repo_refs(REPO).tags
        assert len(api.list_repo_refs(REPO).branches) == 1


class TestUploads:
    def test_weights_go_to_large_file_storage(
        self, hub: HubServer, api: HfApi, published: str
    ) -> None:
        blob = hub.repository(REPO).commits[published].files["model.safetensors"]
        assert blob.is_large
        assert blob.content == WEIGHTS
        assert [r.method for r in hub.asked(r"/objects/batch|/storage/|/lfs-verify")] == [
            "POST",
            "PUT",
            "POST",
        ]

    def test_weights_that_are_there_already_are_not_sent_again(
        self, hub: HubServer, api: HfApi, published: str
    ) -> None:
        hub.forget_requests()
        publish(api, b'{"version": 2}', WEIGHTS)
        assert not hub.asked("/storage/")

    def test_from_a_path_and_from_a_stream(
        self, hub: HubServer, api: HfApi, tmp_path: Path
    ) -> None:
        api.create_repo(REPO)
        path = tmp_path / "model.safetensors"
        path.write_bytes(WEIGHTS)
        api.upload_file(path_or_fileobj=path, path_in_repo="a.safetensors", repo_id=REPO)
        stream = io.BytesIO(WEIGHTS[1:])
        api.upload_file(path_or_fileobj=stream, path_in_repo="b.safetensors", repo_id=REPO)
        files = hub.repository(REPO).history("main")[0].files
        assert files["a.safetensors"].content == WEIGHTS
        assert files["b.safetensors"].content == WEIGHTS[1:]

    def test_an_unchanged_commit_makes_no_commit(
        self, hub: HubServer, api: HfApi, published: str
    ) -> None:
        assert publish(api, b'{"version": 1}', WEIGHTS) == published
        assert len(hub.repository(REPO).commits) == 2

    def test_a_commit_can_delete(self, api: HfApi, published: str) -> None:
        delete = [CommitOperationDelete("config.json")]
        api.create_commit(REPO, delete, commit_message="Delete")
        assert "config.json" not in api.list_repo_files(REPO)
        with pytest.raises(EntryNotFoundError):
            api.create_commit(REPO, delete, commit_message="Again")

    def test_a_commit_on_an_outdated_parent_is_refused_whole(
        self, hub: HubServer, api: HfApi, published: str
    ) -> None:
        publish(api, b'{"version": 2}', WEIGHTS)
        with pytest.raises(HfHubHTTPError) as caught:
            publish(api, b'{"version": 3}', b"other weights", parent_commit=published)
        assert caught.value.response.status_code == 412
        head = hub.repository(REPO).history("main")[0]
        assert head.files["config.json"].content == b'{"version": 2}'
        assert head.files["model.safetensors"].content == WEIGHTS

    def test_history(self, api: HfApi, published: str) -> None:
        commits = api.list_repo_commits(REPO)
        assert [commit.title for commit in commits] == ["Publish", "initial commit"]
        assert commits[0].commit_id == published

    def test_bad_metadata_is_refused_before_the_upload(
        self, hub: HubServer, api: HfApi, published: str
    ) -> None:
        hub.forget_requests()
        card = b"---\nlicense: mine alone\n---\n# Weights\n"
        with pytest.raises(ValueError, match="license"):
            api.upload_file(path_or_fileobj=card, path_in_repo="README.md", repo_id=REPO)
        assert not hub.asked("/preupload/|/commit/")

    def test_a_card_can_be_validated(self, hub: HubServer) -> None:
        ModelCard("---\nlicense: mit\n---\n# Weights\n").validate()
        with pytest.raises(ValueError, match="license"):
            ModelCard("---\nlicense: mine alone\n---\n# Weights\n").validate()

    def test_a_commit_scheduler_fills_a_dataset(
        self, hub: HubServer, api: HfApi, tmp_path: Path
    ) -> None:
        (tmp_path / "answers.jsonl").write_text('{"felt": "joy"}\n')
        with CommitScheduler(
            repo_id="owner/answers", repo_type="dataset", folder_path=tmp_path, hf_api=api
        ):
            pass
        files = hub.repository("owner/answers", "datasets").history("main")[0].files
        assert files["answers.jsonl"].content == b'{"felt": "joy"}\n'


class TestDownloads:
    def test_a_snapshot_is_what_was_published(self, hub: HubServer, published: str) -> None:
        folder = Path(snapshot_download(REPO))
        assert folder.name == published
        assert (folder / "config.json").read_bytes() == b'{"version": 1}'
        assert (folder / "model.safetensors").read_bytes() == WEIGHTS

    def test_the_storage_never_sees_the_token(self, hub: HubServer, published: str) -> None:
        hub.forget_requests()
        hf_hub_download(REPO, "model.safetensors", token=hub.READ_TOKEN)
        assert [request.token for request in hub.asked("/resolve/")] == [hub.READ_TOKEN]
        assert [request.token for request in hub.asked("/storage/", "GET")] == [None]

    def test_a_commit_in_the_cache_costs_no_request(self, hub: HubServer, published: str) -> None:
        first = hf_hub_download(REPO, "model.safetensors", revision=published)
        hub.forget_requests()
        assert hf_hub_download(REPO, "model.safetensors", revision=published) == first
        assert not hub.requests

    def test_a_branch_in_the_cache_costs_one_head(self, hub: HubServer, published: str) -> None:
        hf_hub_download(REPO, "config.json")
        hub.forget_requests()
        hf_hub_download(REPO, "config.json")
        assert [request.method for request in hub.requests] == ["HEAD"]

    def test_part_of_a_file(self, hub: HubServer, published: str) -> None:
        url = f"{hub.url}/{REPO}/resolve/main/model.safetensors"
        part = httpx.get(url, headers={"Range": "bytes=10-19"}, follow_redirects=True)
        assert part.status_code == 206
        assert part.content == WEIGHTS[10:20]
        assert part.headers["Content-Range"] == f"bytes 10-19/{len(WEIGHTS)}"


class TestSpaces:
    def test_variables_and_restarts(self, hub: HubServer, api: HfApi) -> None:
        api.create_repo("owner/app", repo_type="space", space_sdk="gradio")
        api.add_space_variable("owner/app", "MOODLENS_CHECKPOINT", "owner/weights@1")
        api.add_space_variable("owner/app", "MOODLENS_CHECKPOINT", "owner/weights@2")
        variables = api.get_space_variables("owner/app")
        assert variables["MOODLENS_CHECKPOINT"].value == "owner/weights@2"
        assert api.restart_space("owner/app").stage == "RUNNING_BUILDING"
        assert hub.repository("owner/app", "spaces").restarts == 3
        assert api.get_space_runtime("owner/app").stage == "RUNNING"
        api.delete_space_variable("owner/app", "MOODLENS_CHECKPOINT")
        assert not api.get_space_variables("owner/app")
        assert api.space_info("owner/app").sdk == "gradio"


class TestFaults:
    @pytest.fixture(autouse=True)
    def _no_waiting(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The client's pauses between its tries are not what is tested here."""
        monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda seconds: None)

    def test_a_status(self, hub: HubServer, api: HfApi, published: str) -> None:
        hub.fail("/api/models/", status=503, times=1)
        with pytest.raises(HfHubHTTPError) as caught:
            api.model_info(REPO)
        assert caught.value.response.status_code == 503
        assert api.model_info(REPO).sha == published

    def test_vanished_and_back(self, hub: HubServer, api: HfApi, published: str) -> None:
        hub.stop()
        with pytest.raises(Exception, match="refused"):
            api.model_info(REPO)
        with pytest.raises(LocalEntryNotFoundError):
            hf_hub_download(REPO, "config.json")
        hub.start()
        assert api.model_info(REPO).sha == published

    def test_a_reset_connection(self, hub: HubServer, api: HfApi, published: str) -> None:
        hub.fail(reset=True, times=1)
        with pytest.raises(Exception, match=r"reset|disconnected"):
            api.model_info(REPO)
        assert api.model_info(REPO).sha == published

    def test_a_slow_answer(self, hub: HubServer, api: HfApi, published: str) -> None:
        hub.fail(delay=1.0, times=1)
        with pytest.raises(Exception, match="timed out"):
            api.model_info(REPO, timeout=0.2)

    def test_a_truncated_body_is_asked_for_again(self, hub: HubServer, published: str) -> None:
        hub.fail("/storage/", truncate=1000, times=1)
        path = Path(hf_hub_download(REPO, "model.safetensors"))
        assert path.read_bytes() == WEIGHTS
        assert len(hub.asked("/storage/", "GET")) == 2

    def test_a_corrupt_body_goes_through_the_client(self, hub: HubServer, published: str) -> None:
        hub.fail("/storage/", corrupt=True)
        path = Path(hf_hub_download(REPO, "model.safetensors"))
        assert path.read_bytes()[:-1] == WEIGHTS[:-1]
        assert path.read_bytes()[-1] != WEIGHTS[-1]
