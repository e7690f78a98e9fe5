"""Archives from strangers: read in place, and never more than a picture may have."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
import zipfile
from pathlib import Path

import pytest

from moodlens.errors import PictureError
from moodlens.scoring.sources.archives import tar_entries, zip_entries
from moodlens.scoring.sources.entries import Entry
from tests.support.pictures_folder import small_jpeg
from tests.support.source_corpus import odd_members, tarred, zipped

MOST = 1_000_000


def in_zip(members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> io.BytesIO:
    return io.BytesIO(zipped(members, compression))


def in_tar(*members: tarfile.TarInfo | tuple[str, bytes]) -> io.BytesIO:
    return io.BytesIO(tarred(*members))


def outcome(entry: Entry) -> bytes | str:
    if entry.blob is None:
        return entry.problem
    try:
        return entry.blob.read(MOST)
    except PictureError as error:
        return error.message


def test_paths_that_lead_out_are_labels(tmp_path: Path) -> None:
    members = {"../../etc/cron.d/x.jpg": small_jpeg(1), "/abs.jpg": small_jpeg(2)}
    for found in (
        [(entry.file, outcome(entry)) for entry in zip_entries(in_zip(members), "z.zip")],
        [
            (entry.file.replace("t.tar", "z.zip"), outcome(entry))
            for entry in tar_entries(in_tar(*members.items()), "t.tar")
        ],
    ):
        assert [name for name, _ in found] == [f"z.zip/{name}" for name in members]
        assert [data for _, data in found] == list(members.values())


def test_links_and_devices_are_left_out() -> None:
    found = tar_entries(in_tar(*odd_members("/etc/passwd"), ("good.jpg", small_jpeg(0))), "t.tar")
    assert [entry.file for entry in found] == ["t.tar/good.jpg"]


def test_bombs_unpack_no_further_than_a_picture_may() -> None:
    bomb = bytes(50 * MOST)
    packed = in_zip({"x.jpg": bomb}, compression=zipfile.ZIP_DEFLATED)
    (data,) = [outcome(entry) for entry in zip_entries(packed, "z.zip")]
    assert data == bytes(MOST)
    packed = io.BytesIO(gzip.compress(tarred(("x.jpg", bomb))))
    (data,) = [outcome(entry) for entry in tar_entries(packed, "t.tar.gz")]
    assert data == bytes(MOST)


def test_a_tar_header_that_claims_gigabytes_is_refused() -> None:
    info = tarfile.TarInfo("pax")
    info.type, info.size = tarfile.XHDTYPE, 8 * 2**30
    packed = io.BytesIO(gzip.compress(info.tobuf() + bytes(5 * MOST)))

    (entry,) = tar_entries(packed, "t.tar.gz")
    assert entry.problem == "This tar archive is damaged or incomplete."


def test_a_hundred_thousand_members() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for number in range(100_000):
            archive.writestr(zipfile.ZipInfo(f"{number}.jpg"), b"x")
    assert sum(1 for _ in zip_entries(file, "z.zip")) == 100_000


def test_a_directory_of_billions_is_refused_before_it_is_read() -> None:
    file = in_zip({"x.jpg": b"x"})
    data = bytearray(file.getvalue())
    end = data.rfind(b"PK\5\6")
    struct.pack_into("<I", data, end + 12, 0x7FFFFFFF)
    padded = io.BytesIO(bytes(200_000_000) + data)

    (entry,) = zip_entries(padded, "z.zip")
    assert "more than 2,000,000 members" in entry.problem


@pytest.mark.parametrize("cut", [10, 100, 1000])
def test_damaged_archives_are_a_row(cut: int) -> None:
    data = zipped({"a.jpg": small_jpeg(0)})
    (entry,) = zip_entries(io.BytesIO(data[:-cut]), "z.zip")
    assert entry.problem == "This zip archive is damaged or incomplete."

    shard = tarred(("a.jpg", small_jpeg(0)), ("b.jpg", small_jpeg(1)))
    packed = gzip.compress(shard)[: -50 - cut]
    found = [outcome(entry) for entry in tar_entries(io.BytesIO(packed), "t.tgz")]
    assert "damaged" in str(found[-1])


def test_encrypted_and_oddly_packed_members_say_so() -> None:
    data = bytearray(zipped({"a.jpg": b"x" * 20}))
    place = data.find(b"PK\1\2")
    data[place + 8] |= 1
    (entry,) = zip_entries(io.BytesIO(bytes(data)), "z.zip")
    assert entry.problem == "This member of the archive is encrypted."
    (entry,) = zip_entries(in_zip({"a.jpg": b"x"}, compression=zipfile.ZIP_LZMA), "z.zip")
    assert "compressed in a way" in entry.problem
