"""``MoodLens``: every form that a picture comes in gets the same answer."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import moodlens
from moodlens import MoodLens
from moodlens.errors import PictureError, PictureTooLargeError, SettingsError
from moodlens.pictures.reading import PictureLimits
from moodlens.prediction import Prediction
from tests.support.tiny_checkpoint import make_checkpoint

EXAMPLES = sorted((Path(moodlens.__file__).parent / "examples").glob("*.jpg"))
CAT = EXAMPLES[1]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_checkpoint(tmp_path_factory.mktemp("checkpoint"))


@pytest.fixture(scope="module")
def lens(folder: Path) -> MoodLens:
    return MoodLens.from_pretrained(folder)


@pytest.fixture(scope="module")
def cat_as_png() -> bytes:
    """Small, and without losses, so that decoded and undecoded pixels are the same."""
    file = io.BytesIO()
    with Image.open(CAT) as picture:
        picture.reduce(4).save(file, "PNG")
    return file.getvalue()


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


FORMS: dict[str, Callable[[bytes, Path], Any]] = {
    "path": lambda _, path: path,
    "text": lambda _, path: str(path),
    "bytes": lambda data, _: data,
    "bytearray": lambda data, _: bytearray(data),
    "memoryview": lambda data, _: memoryview(data),
    "file in memory": lambda data, _: io.BytesIO(data),
    "file": lambda _, path: path.open("rb"),
    "Pillow, not yet decoded": lambda data, _: opened(data),
    "Pillow, with alpha": lambda data, _: opened(data).convert("RGBA"),
    "pixels": lambda data, _: np.asarray(opened(data)),
    "pixels, not contiguous": lambda data, _: np.asarray(opened(data))[::-1][::-1],
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gets_the_same_answer(
    lens: MoodLens, cat_as_png: bytes, tmp_path: Path, form: str
) -> None:
    path = tmp_path / "cat.png"
    path.write_bytes(cat_as_png)

    prediction = lens(FORMS[form](cat_as_png, path))

    assert isinstance(prediction, Prediction)
    assert prediction.to_json() == lens(path).to_json()


def test_a_pillow_picture_is_turned_upright(lens: MoodLens, cat_as_png: bytes) -> None:
    lying = opened(cat_as_png).transpose(Image.Transpose.ROTATE_90)
    lying.info["exif"] = exif = Image.Exif()
    exif[0x0112] = 6  # shown turned a quarter to the right
    lying.info["exif"] = exif.tobytes()

    assert lens(lying).to_json() == lens(cat_as_png).to_json()


def test_several_keep_their_order(lens: MoodLens) -> None:
    alone = [lens(path) for path in EXAMPLES]
    together = lens([*EXAMPLES, *reversed(EXAMPLES)])

    for expected, prediction in zip([*alone, *reversed(alone)], together, strict=True):
        assert prediction.distribution == pytest.approx(expected.distribution, abs=0.002)


def test_several_are_read_one_batch_after_the_other(lens: MoodLens) -> None:
    read = 0

    def pictures() -> Iterator[Path]:
        nonlocal read
        for _ in range(20):
            read += 1
            yield CAT
        raise EOFError

    with pytest.raises(EOFError):
        lens(pictures())
    assert read == 20
    assert lens(path for path in EXAMPLES[:2]) == lens(EXAMPLES[:2])
    assert lens([]) == []


def test_maps(lens: MoodLens) -> None:
    explanation = lens.explain(CAT)
    (again,) = lens.explain([CAT])

    assert explanation.prediction == lens(CAT)
    assert explanation.maps is not None
    assert again.maps is not None
    assert explanation.maps.shape[0] == 7
    assert np.array_equal(explanation.maps, again.maps)


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((8, 8), np.uint8),
        np.zeros((8, 8, 4), np.uint8),
        np.zeros((8, 8, 3), np.float32),
        np.zeros((0, 8, 3), np.uint8),
        np.zeros((2, 8, 8, 3), np.uint8),
    ],
    ids=lambda pixels: f"{pixels.dtype} {pixels.shape}",
)
def test_other_arrays_are_refused(lens: MoodLens, pixels: Any) -> None:
    with pytest.raises(PictureError, match=r"must be uint8 of shape \[height, width, 3\]"):
        lens(pixels)


def test_what_is_no_picture(lens: MoodLens, tmp_path: Path, folder: Path) -> None:
    with pytest.raises(PictureError, match="not a picture"):
        lens(b"hello")
    with pytest.raises(PictureError, match=r"^Picture 2: This file is not a picture"):
        lens([CAT, b"hello"])
    (tmp_path / "empty.jpg").write_bytes(b"")
    with pytest.raises(PictureError, match=r"^Picture 1 \(.*empty.jpg\): The file is empty"):
        lens([tmp_path / "empty.jpg"])
    with pytest.raises(PictureError, match="damaged or incomplete"):
        lens(opened(CAT.read_bytes()[:5000]))
    with pytest.raises(FileNotFoundError):
        lens("nothing.jpg")
    with pytest.raises(TypeError, match="not StringIO"):
        lens(io.StringIO("hello"))
    with pytest.raises(TypeError, match="not NoneType"):
        lens([None])  # type: ignore[list-item]
    small = MoodLens.from_pretrained(folder, limits=PictureLimits(max_bytes=1000))
    with pytest.raises(PictureTooLargeError):
        small(CAT)


def test_what_it_says_of_itself(lens: MoodLens) -> None:
    assert lens.model.source == "local"
    assert repr(lens).startswith("<MoodLens tiny@")
    assert "MoodLens" in dir(moodlens)
    with pytest.raises(AttributeError):
        moodlens.Moodlens  # noqa: B018
    with pytest.raises(SettingsError):
        MoodLens.from_pretrained("no/such/place")
    with pytest.raises(SettingsError, match="must be one of: auto, cpu, cuda, mps"):
        MoodLens.from_pretrained(device="tpu")
    if not torch.cuda.is_available():
        with pytest.raises(SettingsError, match="The device cuda is not there"):
            MoodLens.from_pretrained(device="cuda:0")


def test_the_bundled_checkpoint_answers() -> None:
    body = MoodLens.from_pretrained()(CAT).to_json()

    assert body["model"]["source"] == "bundled"
    assert body["prediction"]["dominant_emotion"] == "joy"


def test_score_gives_a_row_for_each_picture_in_order(tmp_path: Path) -> None:
    lens = MoodLens.from_pretrained(make_checkpoint(tmp_path / "tiny"))
    cat = CAT

    rows = list(lens.score([cat, "nowhere.jpg", cat.read_bytes(), b"text"]))
    assert [row["file"] for row in rows] == [str(cat), "nowhere.jpg", "2", "3"]
    assert [row["problem"] is None for row in rows] == [True, False, True, False]
    said = lens(cat).to_json()["prediction"]["probability_distribution"]
    for name, share in said.items():
        assert rows[0][name] == pytest.approx(share, abs=2e-4)
