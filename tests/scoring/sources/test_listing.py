"""What a person names, and which pictures that means."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from moodlens.errors import SettingsError
from moodlens.scoring.sources.entries import LocalFile
from moodlens.scoring.sources.listing import Sources
from tests.support.pictures_folder import fill, small_jpeg


def names(*named: str | Path, lists: tuple[str, ...] = (), fetch: bool = False) -> list[str]:
    return [entry.file for entry in Sources([str(n) for n in named], lists, fetch).entries()]


def test_a_folder_is_walked_in_order_and_named_from_within(tmp_path: Path) -> None:
    fill(tmp_path / "pictures", 4)
    (tmp_path / "pictures/b/deep/er").mkdir(parents=True)
    (tmp_path / "pictures/b/deep/er/x.PNG").write_bytes(b"")
    for left_out in ("notes.txt", ".hidden.jpg", "a/._000.jpg"):
        (tmp_path / "pictures" / left_out).write_bytes(b"")

    expected = ["a/000.jpg", "a/001.jpg", "b/002.jpg", "b/003.jpg", "b/deep/er/x.PNG"]
    assert names(tmp_path / "pictures") == expected


def test_links_in_circles_end(tmp_path: Path) -> None:
    fill(tmp_path, 2)
    (tmp_path / "a/round").symlink_to(tmp_path)

    assert names(tmp_path) == ["a/000.jpg", "b/001.jpg"]


def test_two_folders_never_share_a_name(tmp_path: Path) -> None:
    one, two = fill(tmp_path / "one", 2), fill(tmp_path / "two", 2)

    listed = names(one, two)
    assert listed == ["one/a/000.jpg", "one/b/001.jpg", "two/a/000.jpg", "two/b/001.jpg"]
    same = fill(tmp_path / "x/one", 2)
    assert len(set(names(one, same))) == 4


def test_globs_files_and_lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    fill(tmp_path / "p", 4)
    (tmp_path / "names.txt").write_text("p/b/002.jpg\r\n\np/a\nnowhere.jpg\n")

    assert names("p/*/00[12].jpg") == ["p/a/001.jpg", "p/b/002.jpg"]
    assert names("p/a/000.jpg") == names(tmp_path / "p/a/000.jpg") == ["p/a/000.jpg"]
    listed = list(Sources(lists=["names.txt"]).entries())
    assert [entry.file for entry in listed] == [
        "p/b/002.jpg",
        "p/a/000.jpg",
        "p/a/001.jpg",
        "nowhere.jpg",
    ]
    assert "nothing" in listed[-1].problem


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="nothing at"):
        names(tmp_path / "none")
    with pytest.raises(SettingsError, match="--fetch"):
        names("https://example.org/a.jpg")
    with pytest.raises(SettingsError, match="cannot be read here"):
        names("gopher://example.org/a.jpg")


def test_archives_in_a_folder_are_opened(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        archive.writestr("in/a.jpg", small_jpeg(0))
        archive.writestr("in/a.json", b"{}")
    with tarfile.open(tmp_path / "shard-0.tar", "w") as shard:
        for name in ("k.cls", "k.jpg"):
            info = tarfile.TarInfo(name)
            info.size = len(small_jpeg(1))
            shard.addfile(info, io.BytesIO(small_jpeg(1)))

    entries = list(Sources([str(tmp_path)]).entries())
    assert [entry.file for entry in entries] == ["shard-0.tar/k.jpg", "z.zip/in/a.jpg"]
    assert isinstance(entries[0].blob, LocalFile)
    assert entries[0].blob.read(10**6) == small_jpeg(1)
