import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from moodlens.emotions import EMOTIONS
from moodlens.errors import DatasetError
from tests.support.emotion6_factory import HEADER, edit_ground_truth, make_emotion6
from training.data.emotion6 import Emotion6
from training.data.split import SPLIT_NAMES, load_split, overlap_with_reference_val


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_emotion6(tmp_path_factory.mktemp("emotion6"), per_keyword=4)


@pytest.fixture
def folder(pristine: Path, tmp_path: Path) -> Path:
    return shutil.copytree(pristine, tmp_path / "copy")


def test_reads_every_row_in_file_order(pristine: Path) -> None:
    dataset = Emotion6.read(pristine)
    lines = (pristine / "ground_truth.txt").read_text().splitlines()[1:]
    assert dataset.names == [line.split("\t")[0] for line in lines]
    assert len(dataset) == 24
    for line, shares, valence, arousal in zip(
        lines, dataset.shares, dataset.valence, dataset.arousal, strict=True
    ):
        fields = [float(field) for field in line.split("\t")[1:]]
        assert [valence, arousal] == fields[:2]
        assert shares == pytest.approx(fields[2:], abs=1e-5)
    assert dataset.shares.sum(axis=1) == pytest.approx(1, abs=1e-12)
    assert dataset.ratings.distribution.sum(axis=1) == pytest.approx(1, abs=1e-12)
    assert all(path.is_file() for path in dataset.paths)
    assert not dataset.skipped
    assert not dataset.is_complete


def test_the_six_are_renormalised_without_neutral(pristine: Path) -> None:
    ratings = Emotion6.read(pristine).ratings
    assert ratings.raw_six.sum(axis=1) == pytest.approx(1 - ratings.neutral)
    expected = ratings.raw_six / (1 - ratings.neutral)[:, None]
    assert ratings.distribution == pytest.approx(expected)


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_reads_the_layout_of_the_archive(tmp_path: Path, newline: str) -> None:
    folder = make_emotion6(tmp_path, per_keyword=1, flat=True)
    path = folder / "ground_truth.txt"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_text().replace("\n", newline).encode())
    dataset = Emotion6.read(folder)
    assert dataset.names == [f"{keyword}/1.jpg" for keyword in EMOTIONS]
    assert dataset.picture(0).mode == "RGB"


def test_the_keyword_is_no_label(tmp_path: Path) -> None:
    folder = make_emotion6(tmp_path, per_keyword=1)
    edit_ground_truth(folder, r"anger/1.jpg\t.*", "anger/1.jpg\t5\t5\t0\t0\t0\t0.8\t0\t0\t0.2")
    dataset = Emotion6.read(folder)
    assert EMOTIONS[dataset.ratings.dominant[0]] == "joy"


def test_the_first_of_tied_emotions_dominates(tmp_path: Path) -> None:
    folder = make_emotion6(tmp_path, per_keyword=1)
    edit_ground_truth(
        folder, r"anger/1.jpg\t.*", "anger/1.jpg\t5\t5\t0\t0.233333\t0\t0.3\t0.3\t0\t0.166667"
    )
    assert EMOTIONS[Emotion6.read(folder).ratings.dominant[0]] == "joy"


ROW = r"fear/2.jpg\t.*"


@pytest.mark.parametrize(
    ("pattern", "replacement", "reason", "name"),
    [
        (ROW, "fear/2.jpg\t5\t5\t0.5\t0\t0\t0\t0\t0\t0.4", "do not sum to 1", "fear/2.jpg"),
        (ROW, "fear/2.jpg\t5\t5\t1.2\t-0.2\t0\t0\t0\t0\t0", "share outside 0..1", "fear/2.jpg"),
        (ROW, "fear/2.jpg\t0.5\t5\t1\t0\t0\t0\t0\t0\t0", "outside 1..9", "fear/2.jpg"),
        (ROW, "fear/2.jpg\t5\t9.5\t1\t0\t0\t0\t0\t0\t0", "outside 1..9", "fear/2.jpg"),
        (ROW, "fear/2.jpg\t5\t5\t0\t0\t0\t0\t0\t0\t1", "any of the six", "fear/2.jpg"),
        (ROW, "fear/2.jpg\t5\t5\tnan\t0\t0\t0\t0\t0\t1", "malformed row", "fear/2.jpg"),
        (ROW, "fear/2.jpg\t5\t5\t1\t0\t0\t0\t0\t0", "malformed row", "fear/2.jpg"),
        (ROW, "fear/2.jpg\t5\t5\tmuch\t0\t0\t0\t0\t0\t0", "malformed row", "fear/2.jpg"),
        (r"fear/2.jpg", "../fear/2.jpg", "name that is not", "line 10"),
        (r"fear/2.jpg", "fear/1.jpg", "listed twice", "fear/1.jpg"),
    ],
)
def test_refuses_or_skips_a_broken_row(
    folder: Path, pattern: str, replacement: str, reason: str, name: str
) -> None:
    edit_ground_truth(folder, pattern, replacement)
    with pytest.raises(DatasetError) as caught:
        Emotion6.read(folder)
    for part in (reason, name, "1 x", "--skip-broken"):
        assert part in caught.value.message
    assert str(folder) not in caught.value.message

    dataset = Emotion6.read(folder, missing="skip")
    assert len(dataset) == 23
    assert "fear/2.jpg" not in dataset.names
    assert [problem.name for problem in dataset.skipped] == [name]
    assert reason in dataset.describe_skipped()


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (Path.unlink, "missing picture"),
        (_truncate, "cannot be decoded"),
        (lambda path: path.write_bytes(b""), "cannot be decoded"),
        (lambda path: path.write_text("<html>"), "cannot be decoded"),
    ],
)
def test_refuses_or_skips_a_broken_picture(
    folder: Path, damage: Callable[[Path], object], reason: str
) -> None:
    damage(folder / "images" / "joy" / "3.jpg")
    damage(folder / "images" / "anger" / "1.jpg")
    with pytest.raises(DatasetError, match=rf"2 x .*{reason} \(anger/1.jpg, joy/3.jpg\)"):
        Emotion6.read(folder)
    dataset = Emotion6.read(folder, missing="skip")
    assert len(dataset) == 22
    assert {problem.name for problem in dataset.skipped} == {"anger/1.jpg", "joy/3.jpg"}


def test_every_kind_of_problem_is_counted(folder: Path) -> None:
    for number in range(1, 5):
        for keyword in ("joy", "fear"):
            (folder / "images" / keyword / f"{number}.jpg").unlink()
    edit_ground_truth(folder, r"anger/1.jpg\t[^\t]*", "anger/1.jpg\t12")
    with pytest.raises(DatasetError, match=r"1 x valence.*; 8 x missing picture \(.*, \.\.\.\)"):
        Emotion6.read(folder)


@pytest.mark.parametrize(
    "text",
    [
        "",
        HEADER.replace("anger", "wrath") + "\n",
        HEADER.replace("\t", ",") + "\n",
        HEADER.replace("[prob. anger]\t[prob. disgust]", "[prob. disgust]\t[prob. anger]") + "\n",
    ],
)
def test_another_header_is_refused_whatever_is_skipped(folder: Path, text: str) -> None:
    (folder / "ground_truth.txt").write_text(text)
    with pytest.raises(DatasetError, match="header"):
        Emotion6.read(folder, missing="skip")


def test_a_folder_without_data_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"no readable ground_truth\.txt"):
        Emotion6.read(tmp_path)
    (tmp_path / "ground_truth.txt").write_text(HEADER)
    with pytest.raises(DatasetError, match="no usable picture"):
        Emotion6.read(tmp_path, missing="skip")


def test_pictures_are_decoded_as_the_app_decodes_them(folder: Path) -> None:
    path = folder / "images" / "anger" / "1.jpg"
    upright = Image.open(path).convert("RGB")
    exif = Image.Exif()
    exif[0x0112] = 6
    upright.rotate(90, expand=True).save(path, quality=95, exif=exif)
    dataset = Emotion6.read(folder)
    decoded = dataset.picture(dataset.names.index("anger/1.jpg"))
    assert decoded.size == upright.size
    assert np.abs(np.asarray(decoded, float) - np.asarray(upright, float)).mean() < 4


def test_subset_keeps_rows_together(pristine: Path) -> None:
    dataset = Emotion6.read(pristine)
    part = dataset.subset([5, 2])
    assert part.names == [dataset.names[5], dataset.names[2]]
    assert part.paths == [dataset.paths[5], dataset.paths[2]]
    assert part.shares == pytest.approx(dataset.shares[[5, 2]])
    assert part.valence.tolist() == dataset.valence[[5, 2]].tolist()


real = pytest.mark.skipif(
    "MOODLENS_EMOTION6" not in os.environ,
    reason="MOODLENS_EMOTION6 does not name a folder with Emotion6",
)


@pytest.fixture(scope="module")
def emotion6() -> Emotion6:
    return Emotion6.read(Path(os.environ["MOODLENS_EMOTION6"]))


@real
def test_the_real_rows(emotion6: Emotion6) -> None:
    assert len(emotion6) in (1584, 1980)
    assert not emotion6.skipped
    # Known: neutral has a fifth of the votes, joy leads 38 % of the pictures and anger 2 %.
    assert emotion6.ratings.neutral.mean() == pytest.approx(0.196, abs=0.005)
    leads = np.bincount(emotion6.ratings.dominant, minlength=6) / len(emotion6)
    assert leads[EMOTIONS.index("joy")] == pytest.approx(0.376, abs=0.005)
    assert leads[EMOTIONS.index("anger")] == pytest.approx(0.018, abs=0.005)
    keywords = np.array([EMOTIONS.index(name.split("/")[0]) for name in emotion6.names])
    assert (keywords == emotion6.ratings.dominant).mean() == pytest.approx(0.57, abs=0.02)


@real
def test_the_real_splits(emotion6: Emotion6) -> None:
    folds = [load_split(f"fold{k}", emotion6) for k in range(5)]
    assert [len(fold) for fold in folds] == [317, 317, 317, 317, 316]
    train = load_split("reference_train", emotion6)
    assert sorted(i for fold in folds for i in fold.indices) == train.indices.tolist()
    assert len(train) == 1584
    assert not overlap_with_reference_val(emotion6.names[i] for i in train.indices)
    assert set(SPLIT_NAMES) >= {"all", "reference_val", "reference_train"}
