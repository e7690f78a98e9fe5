"""The Hub as source and as place of the table, and object stores by fsspec's own in memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from moodlens.errors import PictureError, SettingsError
from moodlens.scoring.answering import Weights
from moodlens.scoring.engine import Engine
from moodlens.scoring.progress import Progress
from moodlens.scoring.run import Job, Summary, score
from moodlens.scoring.sources.bringing import brought
from moodlens.scoring.sources.entries import InMemory
from moodlens.scoring.sources.listing import Sources
from moodlens.scoring.sources.remote import RemoteFile, file_system
from tests.support.hub_server import HubServer
from tests.support.pictures_folder import fill, small_jpeg


@pytest.fixture
def dataset(hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    from huggingface_hub import HfApi, HfFileSystem

    monkeypatch.setenv("HF_TOKEN", hub.WRITE_TOKEN)
    HfFileSystem.clear_instance_cache()
    api = HfApi(endpoint=hub.url, token=hub.WRITE_TOKEN)
    folder = fill(tmp_path / "lake", 6, broken=(4,))
    (folder / "README.md").write_text("---\nlicense: mit\n---\n")
    user = api.whoami()["name"]
    api.create_repo(f"{user}/pictures", repo_type="dataset")
    api.upload_folder(repo_id=f"{user}/pictures", repo_type="dataset", folder_path=folder)
    return f"hf://datasets/{user}/pictures"


def test_a_dataset_of_the_hub_is_scored_and_the_table_goes_back_there(
    dataset: str, engine: Engine, tiny_weights: Weights, tmp_path: Path
) -> None:
    out = f"{dataset}/tables/scores.csv"
    job = Job(Sources([dataset]), out, tiny_weights)

    assert score(job, engine, Progress()) == Summary(6, 1, 6)
    near = Job(Sources([str(tmp_path / "lake")]), str(tmp_path / "near.csv"), tiny_weights)
    score(near, engine, Progress())
    system, path = file_system(out)
    assert system.cat_file(path) == Path(near.out).read_bytes()
    assert score(job, engine, Progress()).scored == 0


def test_what_the_hub_does_not_have_is_said(hub: HubServer) -> None:
    with pytest.raises(SettingsError, match="cannot be listed"):
        list(Sources(["hf://datasets/nobody/nothing"]).entries())


def test_any_store_of_fsspec_is_read_ahead_and_in_order() -> None:
    import fsspec

    store = fsspec.filesystem("memory")
    for number in range(40):
        store.pipe_file(f"/lake/{number:02}.jpg", small_jpeg(number))
    store.pipe_file("/lake/notes.txt", b"")
    try:
        found = list(brought(enumerate(Sources(["memory://lake"]).entries()), 10**6))
        assert [entry.file for _, entry in found] == [f"{n:02}.jpg" for n in range(40)]
        assert [entry.blob for _, entry in found] == [InMemory(small_jpeg(n)) for n in range(40)]
        with pytest.raises(PictureError, match="No such file"):
            RemoteFile("memory://lake/none.jpg").read(10)
    finally:
        store.rm("/lake", recursive=True)


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(SettingsError, match="pip install s3fs"):
        list(Sources(["s3://bucket/pictures"]).entries())
