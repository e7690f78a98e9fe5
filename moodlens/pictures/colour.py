"""Any pixels that Pillow can hold -> opaque sRGB."""

from __future__ import annotations

from functools import lru_cache
from io import BytesIO

import numpy as np
from PIL import Image, ImageCms

from moodlens.pictures.first_picture import MAX_PROFILE_BYTES

_SPACE = slice(16, 20)  # of an ICC header
_PROFILE_SPACES = {"RGB": "RGB ", "L": "GRAY", "CMYK": "CMYK"}
_STRIP_PIXELS = 1_000_000
_LEAST_SPAN = 1e-35  # below, all values are the same
_INVISIBLE_STEP = 2
"""A profile that moves no channel by more than this, out of 255, is taken for sRGB itself."""


def flatten_and_reduce(picture: Image.Image, factor: int) -> Image.Image:
    """``flatten(picture).reduce(factor)``, bit by bit, with little memory beside the picture's own.

    Args:
        picture: in any mode of Pillow's.
        factor: by which to divide both sides, at least 2.
    """
    width, height = picture.size
    rows = factor * max(1, _STRIP_PIXELS // (width * factor))
    span = _finite_span(picture, rows) if picture.mode in ("I", "F") else None
    reduced: Image.Image | None = None
    for top in range(0, height, rows):
        strip = picture.crop((0, top, width, min(top + rows, height)))
        part = flatten(strip, span).reduce(factor)
        if reduced is None:
            size = -(-width // factor), -(-height // factor)
            reduced = Image.new(part.mode, size)
        reduced.paste(part, (0, top // factor))
    assert reduced is not None  # noqa: S101 - a picture has at least one row
    return reduced


def flatten(picture: Image.Image, span: tuple[float, float] | None = None) -> Image.Image:
    """Palette, alpha and depth gone: mode L, RGB, CMYK or LAB, transparent parts laid on white.

    16 bits keep their upper eight. 32-bit integers and floats have no agreed range: they are
    stretched from their own least to their own greatest finite value.

    Args:
        picture: in any mode of Pillow's.
        span: these two, where they are known already: of a picture that this is a strip of.
    """
    mode = picture.mode
    if mode.startswith("I;16"):
        return _flatten_16_bit(picture)
    if mode in ("I", "F"):
        return _stretch(picture, span or _finite_span(picture, picture.height))
    if "transparency" in picture.info and mode in ("1", "L", "P", "RGB"):
        picture = picture.convert("LA" if mode in ("1", "L") else "RGBA")
    elif mode in ("PA", "RGBa"):
        picture = picture.convert("RGBA")
    elif mode == "La":
        picture = picture.convert("LA")
    if picture.mode == "RGBA":
        white = Image.new("RGB", picture.size, "white")
        white.paste(picture, mask=picture)
        return white
    if picture.mode == "LA":
        white = Image.new("L", picture.size, "white")
        white.paste(picture.getchannel("L"), mask=picture.getchannel("A"))
        return white
    if picture.mode in ("L", "RGB", "CMYK", "LAB"):
        return picture
    return picture.convert("L" if mode == "1" else "RGB")


def _flatten_16_bit(picture: Image.Image) -> Image.Image:
    values = np.asarray(picture)
    upper = (values >> 8).astype(np.uint8)
    transparent = picture.info.get("transparency")
    if isinstance(transparent, int):
        upper[values == transparent] = 255
    return Image.fromarray(upper)


def _finite_span(picture: Image.Image, rows: int) -> tuple[float, float]:
    """The least and the greatest finite value, looked for so many rows at a time."""
    low, high = np.inf, -np.inf
    for top in range(0, picture.height, rows):
        bottom = min(top + rows, picture.height)
        values = np.array(picture.crop((0, top, picture.width, bottom)), dtype=np.float32)
        finite = np.isfinite(values)
        low = min(low, float(values.min(where=finite, initial=np.inf)))
        high = max(high, float(values.max(where=finite, initial=-np.inf)))
    return low, high


def _stretch(picture: Image.Image, span: tuple[float, float]) -> Image.Image:
    low, high = span
    if low > high:  # not one finite value
        return Image.new("L", picture.size, "white")
    values = np.array(picture, dtype=np.float32)
    # In halves, since the difference of two float32 may be too large for a float32.
    half_span = high / 2 - low / 2
    if half_span < _LEAST_SPAN:
        return Image.new("L", picture.size, 128)
    np.nan_to_num(values, copy=False, nan=low, posinf=high, neginf=low)
    values *= 0.5
    values -= low / 2
    values *= 255 / half_span
    return Image.fromarray(values.astype(np.uint8))


def to_srgb(flat: Image.Image, profile: bytes | None) -> Image.Image:
    """From the picture's colour space, described by its ICC profile or by custom, to sRGB.

    A profile that is broken, or made for another kind of colours than the picture has, is ignored,
    as browsers do.

    Args:
        flat: mode L, RGB, CMYK or LAB.
        profile: an ICC profile.

    Returns:
        Mode RGB.
    """
    if flat.mode == "LAB":
        return _applied(flat, _lab_transform())
    if profile and _SPACE.stop <= len(profile) <= MAX_PROFILE_BYTES:
        space = profile[_SPACE].decode("latin-1")
        if flat.mode == "L" and space == "RGB ":
            flat = flat.convert("RGB")
        transform = _transform(profile, flat.mode) if space == _PROFILE_SPACES[flat.mode] else None
        if transform is not None:
            return _applied(flat, transform)
    return flat if flat.mode == "RGB" else flat.convert("RGB")


def _applied(picture: Image.Image, transform: ImageCms.ImageCmsTransform) -> Image.Image:
    converted = ImageCms.applyTransform(picture, transform)
    assert converted is not None  # noqa: S101 - only an in-place transform returns nothing
    return converted


@lru_cache(maxsize=8)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """From ``profile`` to sRGB; None where that would change nothing, or cannot be done.

    The few profiles in wide use are met again and again, and building takes milliseconds.
    """
    try:
        transform = ImageCms.buildTransform(
            ImageCms.ImageCmsProfile(BytesIO(profile)), ImageCms.createProfile("sRGB"), mode, "RGB"
        )
        sample = _colour_sample(mode)
        before = np.asarray(sample.convert("RGB"), dtype=np.int16)
        after = np.asarray(_applied(sample, transform), dtype=np.int16)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None
    return None if np.abs(after - before).max() <= _INVISIBLE_STEP else transform


def _colour_sample(mode: str) -> Image.Image:
    """A coarse grid over all the colours of a mode."""
    axes = [np.linspace(0, 255, 9).astype(np.uint8)] * len(mode)
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    return Image.frombytes(mode, (grid[..., 0].size, 1), grid.tobytes())


@lru_cache(maxsize=1)
def _lab_transform() -> ImageCms.ImageCmsTransform:
    return ImageCms.buildTransform(
        ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), "LAB", "RGB"
    )
