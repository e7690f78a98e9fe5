"""Tables of one's own: what is read, and what is refused with line and reason."""

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from moodlens.errors import DatasetError, PictureError
from tests.support.picture_tables import paint_pictures, votes_table, write_table
from training.data.files import PictureFolder, PictureZip, decode_file
from training.data.opening import open_data
from training.data.rated_files import RatedFiles, Reading
from training.data.table import read_table

HEADER = "file,anger,disgust,fear,joy,sadness,surprise,neutral,valence,arousal,votes,fold"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    paint_pictures(tmp_path, 4)
    return tmp_path


def read(folder: Path, *lines: str, header: str = HEADER, **options: Any) -> RatedFiles:
    path = write_table(folder / "own.csv", [header, *lines])
    return read_table(path, PictureFolder(folder), Reading(**options))


def test_votes_shares_and_what_score_writes(folder: Path) -> None:
    table = read(
        folder,
        "0.jpg,0,0,1,6,0,0,3,7,,,",  # ten votes
        "1.jpg,0,0,0,0.25,0.25,0,0.5,,4.5,8,2",  # shares of eight
        "2.jpg,0.5,0,0,0.5,0,0,0.2,,,,",  # six that sum to 1, and neutral beside them
        "3.jpg,0,0,0,1,0,0,0,,,,",
    )
    assert table.ratings.shares[0] == pytest.approx([0, 0, 0.1, 0.6, 0, 0, 0.3])
    assert table.ratings.shares[1] == pytest.approx([0, 0, 0, 0.25, 0.25, 0, 0.5])
    assert table.ratings.shares[2] == pytest.approx([0.4, 0, 0, 0.4, 0, 0, 0.2])
    assert table.ratings.shares[3] == pytest.approx([0, 0, 0, 1, 0, 0, 0])
    np.testing.assert_equal(table.ratings.valence, [7, np.nan, np.nan, np.nan])
    np.testing.assert_equal(table.ratings.arousal, [np.nan, 4.5, np.nan, np.nan])
    np.testing.assert_equal(table.votes, [10, 8, np.nan, np.nan])
    assert table.folds.tolist() == [-1, 2, -1, -1]
    assert table.names == ["0.jpg", "1.jpg", "2.jpg", "3.jpg"]
    assert table.picture(3).size == (72, 56)


def test_more_votes_weigh_more(folder: Path) -> None:
    lines = ["0.jpg,0,0,0,60,0,0,0,,,,", "1.jpg,0,0,0,15,0,0,0,,,,", "2.jpg,0,0,0,1,0,0,0,,,1,"]
    expected = {0: [1, 1, 1], 0.5: [2, 1, 15**-0.5], 1: [4, 1, 1 / 15]}
    for power, weights in expected.items():
        assert read(folder, *lines, vote_weight=power).weights == pytest.approx(weights)


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_other_forms_say_the_same(folder: Path, suffix: str) -> None:
    rows = [
        {"file_name": "0.jpg", "joy": 3, "fear": 1, "valence": None},
        {"file_name": "1.jpg", "joy": 0, "fear": 2, "valence": 2.5},
    ]
    path = folder / f"own{suffix}"
    if suffix == ".parquet":
        pyarrow = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
        from pyarrow import parquet

        parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    else:
        path.write_text("\n".join(map(json.dumps, rows)))
    table = read_table(path, PictureFolder(folder))
    assert table.ratings.shares[0].tolist() == [0, 0, 0.25, 0.75, 0, 0, 0]
    np.testing.assert_equal(table.ratings.valence, [np.nan, 2.5])


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("0.jpg,0,0,0,0.5,0,0,0,,,,", "neither sum to 1 nor are whole votes"),
        ("0.jpg,0,0,0,0,0,0,5,,,,", "no share for any of the six"),
        ("0.jpg,-1,0,0,2,0,0,0,,,,", "negative share"),
        ("0.jpg,much,0,0,2,0,0,0,,,,", "anger that is no number"),
        ("0.jpg,nan,0,0,2,0,0,0,,,,", "anger that is no number"),
        ("0.jpg,0,0,0,2,0,0,0,12,,,", "valence or arousal outside 1..9"),
        ("0.jpg,0,0,0,2,0,0,0,,,0,", "votes that are not above 0"),
        ("0.jpg,0,0,0,2,0,0,0,,,,7", "fold that is not 0..4"),
        ("0.jpg,0,0,0,2", "malformed row"),
        (",0,0,0,2,0,0,0,,,,", "row without a file name"),
        ("../0.jpg,0,0,0,2,0,0,0,,,,", "leads out of the folder"),
        ("/etc/passwd,0,0,0,2,0,0,0,,,,", "leads out of the folder"),
        ("C:\\0.jpg,0,0,0,2,0,0,0,,,,", "leads out of the folder"),
        ("9.jpg,0,0,0,2,0,0,0,,,,", "missing picture"),
        ("own.csv,0,0,0,2,0,0,0,,,,", "picture that cannot be decoded"),
        ("1.jpg,0,0,0,2,0,0,0,,,,", "picture listed twice"),
    ],
)
def test_a_bad_row_is_named_with_line_and_reason(folder: Path, line: str, reason: str) -> None:
    good = "1.jpg,0,0,0,2,0,0,0,,,,"
    with pytest.raises(DatasetError) as caught:
        read(folder, good, line)
    for part in ("own.csv has problems", "1 x", reason, "line 3", "--skip-broken"):
        assert part in caught.value.message
    assert str(folder) not in caught.value.message

    table = read(folder, good, line, missing="skip")
    assert table.names == ["1.jpg"]
    ((kind, name),) = table.skipped
    assert reason in kind
    assert "line 3" in name


def test_a_link_does_not_lead_out_either(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    paint_pictures(outside, 1)
    (folder / "link.jpg").symlink_to(outside / "0.jpg")
    (folder / "inner.jpg").symlink_to(folder / "0.jpg")
    with pytest.raises(DatasetError, match=r"missing picture \(line 2 link\.jpg\)"):
        read(folder, "link.jpg,0,0,0,2,0,0,0,,,,")
    assert len(read(folder, "inner.jpg,0,0,0,2,0,0,0,,,,")) == 1


def test_a_table_without_files_or_rows_is_refused(folder: Path) -> None:
    with pytest.raises(DatasetError, match="no column file"):
        read(folder, "0.jpg,1", header="picture,joy")
    with pytest.raises(DatasetError, match="no rows"):
        read(folder)


def test_pictures_may_lie_in_a_zip_file(tmp_path: Path) -> None:
    table = votes_table(tmp_path / "own", 3)
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as all_of_it:
        for path in table.parent.iterdir():
            all_of_it.write(path, path.name)
    beside = open_data([str(table.parent)])
    for wanted in (str(tmp_path / "all.zip"), f"{table}::{tmp_path / 'all.zip'}"):
        packed = open_data([wanted])
        assert packed.ratings.shares.tolist() == beside.ratings.shares.tolist()
        assert [packed.digest(i) for i in range(3)] == [beside.digest(i) for i in range(3)]
    with pytest.raises(PictureError, match="cannot be read"):
        decode_file(PictureZip(tmp_path / "all.zip"), "nothing.jpg")
