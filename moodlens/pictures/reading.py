"""Untrusted bytes -> one upright RGB picture. Every limit on bytes and pixels lives here.

Only the codec of the kind that the bytes themselves announce is ever run (``picture_kinds``), and
it gets no more of the file than the first picture needs (``containers``). Sizes are checked before
anything is decoded. No setting of Pillow is changed, so other code in the process is not affected.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import BinaryIO

from PIL import Image, features
from PIL.AvifImagePlugin import AvifImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from moodlens.errors import BusyError, PictureError, PictureTooLargeError, UnsupportedPictureError
from moodlens.pictures.colour import flatten, flatten_and_reduce, to_srgb
from moodlens.pictures.containers import first_picture
from moodlens.pictures.cost import decoding_bytes
from moodlens.pictures.first_picture import FirstPicture
from moodlens.pictures.kinds import ACCEPTED, ForeignFileError, picture_kind
from moodlens.pictures.tiff import exif_orientation

_ACCEPTED_TEXT = f"{', '.join(ACCEPTED[:-1])} and {ACCEPTED[-1]}"


@dataclass(frozen=True, slots=True)
class PictureLimits:
    """What a picture may cost. The defaults keep it under 2 seconds and 400 MB of growth.

    Attributes:
        max_bytes: size of the file.
        max_pixels: width times height by the header. Only a JPEG can be that large, since it alone
            can be decoded at a half, a quarter or an eighth of its size.
        max_decoded_pixels: width times height in memory: of every other kind, of a JPEG at the
            reduced size, and of a progressive JPEG at full size, since its decoder keeps it whole.
            The default admits the 24-megapixel pictures of today's phones.
        max_side: width or height by the header.
        max_pixel_passes: pixels times scans of a progressive JPEG. Ten scans are usual; a small
            file can hold thousands.
    """

    max_bytes: int = 20_000_000
    max_pixels: int = 100_000_000
    max_decoded_pixels: int = 25_000_000
    max_side: int = 65_535
    max_pixel_passes: int = 600_000_000


DEFAULT_LIMITS = PictureLimits()

Within = Callable[[int, Callable[[], Image.Image]], Image.Image]

_DECODERS: dict[str, Callable[[BinaryIO], ImageFile]] = {
    "JPEG": JpegImageFile,
    "PNG": PngImageFile,
    "WebP": WebPImageFile,
    "GIF": GifImageFile,
    "BMP": BmpImageFile,
    "TIFF": TiffImageFile,
    "AVIF": AvifImageFile,
}
_COPIES_SHARE = 0.7  # the decoder holds four copies of the picture, or samples of 16 bits
_RUN_LENGTH_SHARE = 0.16  # decoded run by run, in Python

_ORIENTATIONS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def read_picture(
    data: bytes,
    *,
    limits: PictureLimits = DEFAULT_LIMITS,
    short_side: int | None = None,
    within: Within = lambda _, decode: decode(),
) -> Image.Image:
    """Decode a picture from a stranger.

    The first frame or page, upright, in sRGB, transparent parts laid on white. CMYK in a JPEG is
    read as inverted, whether or not an Adobe marker says so: that is how browsers read it.

    Args:
        data: the whole file.
        limits: what it may cost.
        short_side: the caller needs no more than this many pixels along the short side, so a larger
            picture may be decoded at reduced scale. The result is never smaller than that, unless
            the picture is; it may be larger. By default the full size, except for a JPEG of
            more than ``limits.max_decoded_pixels``, which comes at the largest half that fits.
        within: given how many bytes decoding will take, and what decodes, before any is taken; may
            wait, raise, and let another thread do it.

    Returns:
        Mode RGB, without metadata.

    Raises:
        PictureError: empty, damaged, or nothing like a picture.
        PictureTooLargeError: more bytes or pixels than the limits.
        UnsupportedPictureError: a file of another kind.
    """
    kind = _admitted_kind(data, limits)
    try:
        return _decode(data, kind, limits, short_side, within)
    except (PictureError, BusyError):
        raise
    except MemoryError as error:
        raise PictureTooLargeError(
            "This picture needs more memory than there is; a smaller copy would do as well."
        ) from error
    # Codecs fail on damaged bytes with any exception there is, from struct.error to RuntimeError.
    except Exception as error:
        raise PictureError("This {kind} file is damaged or incomplete.", kind=kind) from error


def _admitted_kind(data: bytes, limits: PictureLimits) -> str:
    if not data:
        raise PictureError("The file is empty.")
    if len(data) > limits.max_bytes:
        raise PictureTooLargeError(
            "The file has {size:.1f} MB; the limit is {limit:.0f} MB.",
            size=len(data) / 1e6,
            limit=limits.max_bytes / 1e6,
        )
    try:
        kind = picture_kind(data)
    except ForeignFileError as error:
        raise UnsupportedPictureError(
            "This is {kind}; MoodLens reads {accepted} pictures.",
            kind=str(error),
            accepted=_ACCEPTED_TEXT,
        ) from None
    if kind is None:
        raise PictureError(
            "This file is not a picture; MoodLens reads {accepted} pictures.",
            accepted=_ACCEPTED_TEXT,
        )
    return kind


def _decode(
    data: bytes,
    kind: str,
    limits: PictureLimits,
    short_side: int | None,
    within: Within,
) -> Image.Image:
    first = first_picture(data, kind)
    with _decoder(kind)(BytesIO(first.data)) as picture:
        scale = _scale(picture.size, short_side, limits) if kind == "JPEG" else 1
        _check_cost(picture, kind, first, scale, limits)

        def decode() -> Image.Image:
            if scale > 1:
                picture.draft(None, (picture.width // scale, picture.height // scale))
            picture.load()
            return upright_rgb(picture, first, short_side=short_side)

        return within(decoding_bytes(picture, kind, first, scale, short_side), decode)


def upright_rgb(
    picture: Image.Image, first: FirstPicture | None = None, *, short_side: int | None = None
) -> Image.Image:
    """A picture as the network sees it: upright, in sRGB, transparent parts laid on white.

    Args:
        picture: in any mode of Pillow's; it stays as it is.
        first: the file that it was decoded from, where that tells more than Pillow knows.
        short_side: see :func:`read_picture`.

    Returns:
        Mode RGB, without metadata.
    """
    exif = (first and first.exif) or picture.info.get("exif") or b""
    profile = (first and first.profile) or picture.info.get("icc_profile")
    factor = min(picture.size) // short_side if short_side else 1
    flat = flatten(picture) if factor < 2 else flatten_and_reduce(picture, factor)
    rgb = to_srgb(flat, profile)
    turn = _ORIENTATIONS.get(exif_orientation(exif))
    # In any case a plain Image comes out, which holds on to neither the file nor its metadata.
    if turn is None and rgb is picture:
        rgb.load()  # a caller's own may not be decoded yet
        rgb = rgb._new(rgb.im)  # the same pixels: copying them takes a sixth of decoding
    upright = rgb if turn is None else rgb.transpose(turn)
    upright.info = {}
    return upright


def _decoder(kind: str) -> Callable[[BinaryIO], ImageFile]:
    """The class that decodes a kind, taken directly: nothing is registered with Pillow."""
    match kind:
        case "HEIC":
            try:
                from pillow_heif import HeifImageFile
            except ImportError:
                raise _codec_missing(kind) from None
            return HeifImageFile
        case "AVIF" | "WebP" if not features.check(kind.lower()):
            raise _codec_missing(kind)
    return _DECODERS[kind]


def _codec_missing(kind: str) -> UnsupportedPictureError:
    return UnsupportedPictureError(
        "{kind} pictures cannot be read here; please send a JPEG or PNG.", kind=kind
    )


def _scale(size: tuple[int, int], short_side: int | None, limits: PictureLimits) -> int:
    """By how much to divide a JPEG's sides while it is decoded: 1, 2, 4 or 8."""
    width, height = size
    if short_side:
        return next((scale for scale in (8, 4, 2) if min(size) // scale >= short_side), 1)
    room = limits.max_decoded_pixels
    return next((scale for scale in (1, 2, 4) if width * height <= room * scale**2), 8)


def _check_cost(
    picture: ImageFile, kind: str, first: FirstPicture, scale: int, limits: PictureLimits
) -> None:
    """Refuse what would take too much memory or time, before a pixel is decoded.

    Raises:
        PictureTooLargeError: with the limit that is passed.
    """
    width, height = picture.size
    pixels = width * height
    if pixels > limits.max_pixels or max(picture.size) > limits.max_side:
        raise PictureTooLargeError(
            "The picture has {width} x {height} pixels; the limits are "
            "{megapixels:.3g} megapixels and {side} pixels a side.",
            width=width,
            height=height,
            megapixels=limits.max_pixels / 1e6,
            side=limits.max_side,
        )
    if pixels * first.passes > limits.max_pixel_passes:
        raise PictureTooLargeError(
            "This {kind} file is stored in so many passes that decoding it would take too long; "
            "saved again, without progressive scans, it can be read.",
            kind=kind,
        )
    room = round(limits.max_decoded_pixels * _share(picture, kind))
    whole = first.passes > 1
    held = pixels if whole else max(pixels // scale**2, first.coded_pixels)
    if _is_run_length(picture, kind):
        held = max(held, len(first.data))
    if held > room:
        raise PictureTooLargeError(
            "This {kind} picture has {megapixels:.3g} megapixels; "
            "the limit for its kind is {limit:.3g}.",
            kind=f"progressive {kind}" if whole else kind,
            megapixels=held / 1e6,
            limit=room / 1e6,
        )


def _share(picture: ImageFile, kind: str) -> float:
    """What part of ``max_decoded_pixels`` is left to files that cost more by the pixel."""
    if _is_run_length(picture, kind):
        return _RUN_LENGTH_SHARE
    deep = picture.info.get("bit_depth", 8) > 8 or picture.mode.endswith(("A", "a"))
    return _COPIES_SHARE if kind in ("WebP", "AVIF") or (kind == "HEIC" and deep) else 1


def _is_run_length(picture: ImageFile, kind: str) -> bool:
    return kind == "BMP" and picture.info.get("compression") in (1, 2)
