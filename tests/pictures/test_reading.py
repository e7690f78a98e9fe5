from __future__ import annotations

import json
import random
import re
import subprocess
import sys
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageOps

from moodlens.errors import PictureError, PictureTooLargeError, UnsupportedPictureError
from moodlens.pictures.iso_media import hide_extras
from moodlens.pictures.reading import DEFAULT_LIMITS, PictureLimits, read_picture
from tests.support.picture_corpus import (
    SRGB_COLORANTS,
    WIDE_COLORANTS,
    Case,
    accepted,
    damaged,
    grey_profile,
    heic_writable,
    ink_profile,
    oriented,
    refused,
    saved,
    scene,
    small_files,
    srgb_profile,
    wide_gamut_profile,
)

REGRESSIONS = sorted((Path(__file__).parents[1] / "support" / "regressions").glob("*.bin"))
SECONDS, MEGABYTES = 2, 400

needs_heic = pytest.mark.skipif(not heic_writable(), reason="pillow-heif cannot write HEIC here")


def name_of(case: Case) -> str:
    return case.name


def difference(one: Image.Image, other: Image.Image) -> float:
    """Mean absolute difference of channel values, of 255."""
    assert one.size == other.size
    return float(np.abs(np.asarray(one, dtype=int) - np.asarray(other, dtype=int)).mean())


def colour_of(picture: Image.Image) -> tuple[int, ...]:
    """The colour in the middle of a picture of one colour."""
    assert picture.mode == "RGB"
    colour = picture.getpixel((picture.width // 2, picture.height // 2))
    assert isinstance(colour, tuple)
    return colour


def check_verdict(data: bytes, *, short_side: int | None = None) -> Image.Image | PictureError:
    """Read a file of which nothing is known: a picture or one clear sentence, and soon."""
    start = time.process_time()
    try:
        verdict: Image.Image | PictureError = read_picture(data, short_side=short_side)
    except PictureError as error:
        verdict = error
    assert time.process_time() - start < SECONDS
    if isinstance(verdict, Image.Image):
        assert verdict.mode == "RGB"
        assert 0 < verdict.width * verdict.height <= DEFAULT_LIMITS.max_decoded_pixels
    else:
        check_sentence(verdict)
    return verdict


def check_sentence(error: PictureError) -> None:
    text = error.message
    assert re.fullmatch(r"[A-Z][^\n.!?<>/\\]*(\.\d[^\n.!?<>/\\]*)*\.", text), text
    assert "Error" not in text
    assert len(text) < 200


# --- what is read ---------------------------------------------------------------------------------


@pytest.mark.parametrize("case", accepted(), ids=name_of)
def test_reads_every_kind_mode_and_depth(case: Case) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # raised inside, it would turn the verdict
        picture = read_picture(case.data)
    assert picture.mode == "RGB"
    if case.looks_like is None:
        assert picture.size == case.size
    else:
        assert difference(picture, case.looks_like) <= case.tolerance


@pytest.mark.parametrize("case", accepted(), ids=name_of)
def test_returns_a_plain_picture_without_metadata(case: Case) -> None:
    picture = read_picture(case.data)
    assert type(picture) is Image.Image
    assert not picture.info
    assert not picture.getexif()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(
    "kind", ["JPEG", "PNG", "WebP", "TIFF", "AVIF", pytest.param("HEIF", marks=needs_heic)]
)
def test_turns_pictures_upright(kind: str, orientation: int) -> None:
    flagged = scene().copy()
    flagged.getexif()[274] = orientation
    upright = ImageOps.exif_transpose(flagged)
    assert difference(read_picture(oriented(kind, orientation)), upright) < 6


def test_turns_after_decoding_at_reduced_scale() -> None:
    large = scene().resize((1200, 800), Image.Resampling.BICUBIC)
    exif = Image.Exif()
    exif[274] = 6
    picture = read_picture(saved(large, "JPEG", exif=exif.tobytes()), short_side=200)
    assert picture.size == (200, 300)
    expected = large.transpose(Image.Transpose.ROTATE_270).resize((200, 300), Image.Resampling.BOX)
    assert difference(picture, expected) < 3


@pytest.mark.parametrize("big_endian", [False, True])
def test_reads_the_orientation_in_either_byte_order(big_endian: bool) -> None:
    exif = Image.Exif()
    exif.endian = ">" if big_endian else "<"
    exif[274] = 3
    upside_down = read_picture(saved(scene(), "PNG", exif=exif.tobytes()))
    assert difference(upside_down, scene().transpose(Image.Transpose.ROTATE_180)) == 0


# --- reduced scale --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WebP", "TIFF"])
@pytest.mark.parametrize(
    ("size", "short_side", "jpeg_size", "other_size"),
    [
        ((1600, 1200), 584, (800, 600), (800, 600)),
        ((1600, 1200), 300, (400, 300), (400, 300)),
        ((1600, 1200), 301, (800, 600), (534, 400)),
        ((1600, 1200), 2000, (1600, 1200), (1600, 1200)),
        ((1000, 40), 40, (1000, 40), (1000, 40)),
        ((1000, 40), 3, (125, 5), (77, 4)),
    ],
)
def test_reduces_but_never_below_what_is_asked(
    kind: str,
    size: tuple[int, int],
    short_side: int,
    jpeg_size: tuple[int, int],
    other_size: tuple[int, int],
) -> None:
    data = saved(scene().resize(size), kind)
    picture = read_picture(data, short_side=short_side)
    assert picture.size == (jpeg_size if kind == "JPEG" else other_size)
    assert min(picture.size) >= min(short_side, *size)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_reduced_picture_looks_like_the_whole(kind: str) -> None:
    large = scene().resize((1536, 1024), Image.Resampling.BICUBIC)
    picture = read_picture(saved(large, kind), short_side=200)
    whole = large.resize(picture.size, Image.Resampling.BOX)
    assert difference(picture, whole) < 2


def test_a_jpeg_too_large_to_hold_comes_at_half_size() -> None:
    data = saved(scene().resize((400, 300)), "JPEG")
    limits = PictureLimits(max_decoded_pixels=40_000)
    assert read_picture(data, limits=limits).size == (200, 150)


# --- colour ---------------------------------------------------------------------------------------


def patch_of(colour: object, mode: str = "RGB") -> Image.Image:
    return Image.new(mode, (16, 16), colour)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "colour", [(128, 128, 128), (60, 160, 60), (200, 90, 40), (30, 40, 220), (250, 250, 250)]
)
def test_converts_a_wide_gamut(colour: tuple[int, int, int]) -> None:
    # By the definition: gamma, matrix to XYZ (D50), matrix back, clip, the curve of sRGB.
    linear = (np.array(colour) / 255) ** 1.8
    light = np.linalg.inv(np.array(SRGB_COLORANTS).T) @ np.array(WIDE_COLORANTS).T @ linear
    light = light.clip(0, 1)
    encoded = np.where(light < 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    # Lossless, so that only the conversion counts.
    picture = read_picture(saved(patch_of(colour), "PNG", icc_profile=wide_gamut_profile()))
    assert colour_of(picture) == pytest.approx(tuple(255 * encoded), abs=2)


def test_converts_a_linear_grey() -> None:
    picture = read_picture(saved(patch_of(55, "L"), "PNG", icc_profile=grey_profile(1.0)))
    expected = 255 * (1.055 * (55 / 255) ** (1 / 2.4) - 0.055)
    assert colour_of(picture) == pytest.approx((expected,) * 3, abs=2)


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_converts_ink_by_its_profile(kind: str) -> None:
    cyan = saved(patch_of((255, 0, 0, 0), "CMYK"), kind, icc_profile=ink_profile())
    red, green, blue = colour_of(read_picture(cyan))
    assert red > 230
    assert max(green, blue) < 40


@pytest.mark.parametrize(
    ("ink", "colour"),
    [
        ((255, 0, 0, 0), (0, 255, 255)),
        ((0, 255, 0, 0), (255, 0, 255)),
        ((0, 0, 255, 0), (255, 255, 0)),
        ((0, 0, 0, 255), (0, 0, 0)),
        ((0, 0, 0, 0), (255, 255, 255)),
    ],
)
@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_reads_ink_without_a_profile(
    kind: str, ink: tuple[int, ...], colour: tuple[int, ...]
) -> None:
    picture = read_picture(saved(patch_of(ink, "CMYK"), kind))
    assert colour_of(picture) == pytest.approx(colour, abs=2)


def test_a_profile_close_to_srgb_changes_nothing() -> None:
    profile = bytearray(srgb_profile())
    entry = profile.index(b"rXYZ")
    place = int.from_bytes(profile[entry + 4 : entry + 8], "big") + 8
    red_x = int.from_bytes(profile[place : place + 4], "big")
    profile[place : place + 4] = (red_x + 100).to_bytes(4, "big")  # in units of 1/65536
    noise = Image.frombytes("RGB", (64, 64), random.Random(0).randbytes(64 * 64 * 3))
    assert difference(read_picture(saved(noise, "PNG", icc_profile=bytes(profile))), noise) == 0


def test_a_profile_for_rgb_serves_a_grey_picture() -> None:
    grey = saved(patch_of(128, "L"), "PNG", icc_profile=wide_gamut_profile())
    expected = 255 * (1.055 * ((128 / 255) ** 1.8) ** (1 / 2.4) - 0.055)
    assert colour_of(read_picture(grey)) == pytest.approx((expected,) * 3, abs=2)


def test_agrees_with_the_library_on_a_whole_picture() -> None:
    profile = wide_gamut_profile()
    expected = ImageCms.profileToProfile(
        scene(),
        ImageCms.ImageCmsProfile(BytesIO(profile)),
        ImageCms.createProfile("sRGB"),
    )
    assert expected is not None
    assert difference(read_picture(saved(scene(), "PNG", icc_profile=profile)), expected) == 0


def test_transparent_parts_are_white_whatever_colour_lies_under_them() -> None:
    hidden = patch_of((255, 0, 0, 0), "RGBA")
    for kind in ("PNG", "WebP", "TIFF", "AVIF"):
        options = {"lossless": True, "exact": True} if kind == "WebP" else {}
        picture = read_picture(saved(hidden, kind, **options))
        assert colour_of(picture) == pytest.approx((255, 255, 255), abs=2), kind


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize("case", refused(), ids=name_of)
def test_refuses_with_one_sentence(case: Case) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        verdict = check_verdict(case.data)
    assert type(verdict) is case.error
    assert not caught


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (PictureLimits(max_bytes=1000), "MB"),
        (PictureLimits(max_pixels=96 * 64 - 1), "pixels"),
        (PictureLimits(max_side=95), "95 pixels a side"),
        (PictureLimits(max_decoded_pixels=96 * 64 - 1), "megapixels"),
    ],
)
def test_limits_are_limits(limits: PictureLimits, words: str) -> None:
    data = saved(scene(), "PNG")
    with pytest.raises(PictureTooLargeError, match=words):
        read_picture(data, limits=limits)
    at_the_limit = PictureLimits(
        max_bytes=len(data), max_pixels=96 * 64, max_decoded_pixels=96 * 64, max_side=96
    )
    assert read_picture(data, limits=at_the_limit).size == (96, 64)


def test_scans_are_limited() -> None:
    data = saved(scene(), "JPEG", progressive=True)
    with pytest.raises(PictureTooLargeError, match="passes"):
        read_picture(data, limits=PictureLimits(max_pixel_passes=3 * 96 * 64))
    assert read_picture(data, limits=PictureLimits(max_pixel_passes=11 * 96 * 64)).size == (96, 64)


def test_a_foreign_file_is_told_what_is_read() -> None:
    with pytest.raises(UnsupportedPictureError, match="This is a PDF; MoodLens reads JPEG, PNG"):
        read_picture(b"%PDF-1.7")


@pytest.mark.parametrize("data", [b"BMW is not a bitmap, whatever its name says.", bytes(99)])
def test_what_is_no_picture_is_not_called_damaged(data: bytes) -> None:
    with pytest.raises(PictureError, match="This file is not a picture"):
        read_picture(data)


# --- damage ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", small_files())
def test_survives_being_cut_short_anywhere(name: str) -> None:
    data = small_files()[name]
    for length in range(0, len(data), 7):
        verdict = check_verdict(data[:length])
        if name.startswith("jpeg"):
            assert isinstance(verdict, PictureError), length


@pytest.mark.parametrize("seed", range(8))
def test_survives_random_damage(seed: int) -> None:
    rng = random.Random(seed)
    files = list(small_files().values())
    verdicts = [
        check_verdict(damaged(rng.choice(files), rng), short_side=rng.choice((None, 10)))
        for _ in range(2000)
    ]
    read = sum(isinstance(verdict, Image.Image) for verdict in verdicts)
    assert 100 < read < 1900  # else the damage is too hard, or not hard enough, to test anything


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(
    start=st.sampled_from(sorted(small_files())),
    kept=st.integers(0, 120),
    rest=st.binary(max_size=300),
    short_side=st.one_of(st.none(), st.integers(1, 2000)),
)
def test_whatever_follows_a_header(
    start: str, kept: int, rest: bytes, short_side: int | None
) -> None:
    check_verdict(small_files()[start][:kept] + rest, short_side=short_side)


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(
    kind=st.sampled_from(["JPEG", "PNG", "GIF", "BMP", "TIFF", "WebP"]),
    width=st.integers(1, 300),
    height=st.integers(1, 300),
    short_side=st.integers(1, 400),
)
def test_never_smaller_than_asked(kind: str, width: int, height: int, short_side: int) -> None:
    data = saved(Image.new("RGB", (width, height), "teal"), kind)
    picture = read_picture(data, short_side=short_side)
    assert min(picture.size) >= min(width, height, short_side)
    assert picture.width <= width
    assert picture.height <= height


@pytest.mark.parametrize("path", REGRESSIONS, ids=lambda path: path.stem)
def test_failures_of_the_past(path: Path) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        check_verdict(path.read_bytes(), short_side=584)
    assert not caught


# --- cost and side effects ------------------------------------------------------------------------


def test_costly_files_cost_little() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.picture_cost"],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    costs = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(costs) > 40
    for cost in costs:
        assert cost["seconds"] < SECONDS, cost
        assert cost["megabytes"] < MEGABYTES, cost


def test_films_and_metadata_are_hidden_from_the_decoder() -> None:
    film = saved(
        scene(),
        "AVIF",
        speed=10,
        save_all=True,
        append_images=[scene()],
        exif=Image.Exif().tobytes(),
    )
    hidden = hide_extras(film)
    assert b"moov" in film
    assert len(hidden) == len(film)
    assert b"moov" not in hidden
    assert b"Exif" in film[: film.index(b"moov")]
    assert b"Exif" not in hidden[: film.index(b"moov")]


def test_threads_do_not_disturb_each_other() -> None:
    cases = [case for case in accepted() if len(case.data) < 100_000]
    alone = [read_picture(case.data).tobytes() for case in cases]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda case: read_picture(case.data).tobytes(), cases * 4))
    assert together == alone * 4


def run_apart(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    return done.stdout.strip()


def test_leaves_pillow_as_it_was() -> None:
    code = """
import sys, warnings
from PIL import Image, ImageFile, TiffImagePlugin
from moodlens.pictures.reading import read_picture
Image.preinit()
state = lambda: (
    sorted(Image.OPEN), Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES,
    TiffImagePlugin.READ_LIBTIFF, list(warnings.filters),
)
before = state()
assert "torch" not in sys.modules
assert "pillow_heif" not in sys.modules
from tests.support.picture_corpus import accepted, small_files
for case in accepted():
    read_picture(case.data)
assert set(state()[0]) - set(before[0]) <= set(Image.ID), state()
assert "HEIF" not in Image.OPEN
assert state()[1:] == before[1:]
print("as before")
"""
    assert run_apart(code) == "as before"


def test_too_little_memory_is_said_in_a_sentence() -> None:
    code = """
import io, resource
from PIL import Image
from moodlens.errors import PictureTooLargeError
from moodlens.pictures.reading import read_picture
stream = io.BytesIO()
Image.new("RGB", (4900, 4900)).save(stream, "PNG")
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 20_000_000, -1))
try:
    read_picture(stream.getvalue())
except PictureTooLargeError as error:
    print(error)
"""
    assert "more memory than there is" in run_apart(code)


@needs_heic
def test_without_pillow_heif_a_sentence_says_so(tmp_path: Path) -> None:
    heic = tmp_path / "picture.heic"
    heic.write_bytes(small_files()["heic"])
    code = f"""
import sys
sys.modules["pillow_heif"] = None  # as if it were not installed
from moodlens.errors import UnsupportedPictureError
from moodlens.pictures.reading import read_picture
try:
    read_picture(open({str(heic)!r}, "rb").read())
except UnsupportedPictureError as error:
    print(error)
"""
    assert run_apart(code) == "HEIC pictures cannot be read here; please send a JPEG or PNG."
