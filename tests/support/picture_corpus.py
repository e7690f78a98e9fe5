"""Pictures and non-pictures, made on the spot: what strangers may send and what must come of it.

``accepted`` are pictures of every kind, mode and depth that can be written here, with how they must
look. ``refused`` are files with the error they must meet. ``costly`` are files made to take time or
memory; they may be read or refused, but cheaply. Nothing is drawn from a data set.
"""

from __future__ import annotations

import gzip
import io
import pickle
import random
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from PIL import Image, ImageCms

from moodlens.errors import PictureError, PictureTooLargeError, UnsupportedPictureError

WIDTH, HEIGHT = 96, 64
_ORIENTATION = 274


@dataclass(frozen=True, slots=True)
class Case:
    """One file.

    Attributes:
        name: what is special about it; unique.
        data: the file.
        looks_like: the picture it shows, mode RGB; None where only the size is known or nothing is.
        tolerance: mean difference from that, of 255, that the coding may cause.
        size: the size of the picture, where there is no ``looks_like``.
        error: what ``read_picture`` must raise.
    """

    name: str
    data: bytes
    looks_like: Image.Image | None = None
    tolerance: float = 3
    size: tuple[int, int] | None = None
    error: type[PictureError] | None = None


@dataclass(frozen=True, slots=True)
class CostlyCase:
    """A file that is built only when wanted, because it is large."""

    name: str
    build: Callable[[], bytes]


@cache
def scene() -> Image.Image:
    """A picture like no turned or mirrored version of itself, with smooth and hard parts."""
    x, y = np.meshgrid(np.linspace(0, 1, WIDTH), np.linspace(0, 1, HEIGHT))
    pixels = np.stack([230 * x, 200 * y, 40 + 150 * (1 - x) * y], axis=-1).astype(np.uint8)
    pixels[: HEIGHT // 2, : WIDTH // 3] = (220, 30, 30)
    pixels[: HEIGHT // 4, WIDTH // 2 :] = (20, 160, 40)
    return Image.fromarray(pixels)


@cache
def scene_with_alpha() -> Image.Image:
    """The scene, quite transparent on the right and half so at the bottom left."""
    alpha = np.full((HEIGHT, WIDTH), 255, np.uint8)
    alpha[:, WIDTH // 2 :] = 0
    alpha[HEIGHT // 2 :, : WIDTH // 2] = 128
    picture = scene().copy()
    picture.putalpha(Image.fromarray(alpha))
    return picture


def on_white(picture: Image.Image) -> Image.Image:
    """What a picture with an alpha channel looks like on paper."""
    paper = Image.new("RGBA", picture.size, "white")
    return Image.alpha_composite(paper, picture.convert("RGBA")).convert("RGB")


def saved(picture: Image.Image, kind: str, **options: object) -> bytes:
    """The bytes of a file of a kind that Pillow, or pillow-heif, writes."""
    stream = io.BytesIO()
    if kind == "HEIF":
        import pillow_heif

        pillow_heif.from_pillow(picture).save(stream, **options)
    else:
        picture.save(stream, kind, **options)
    return stream.getvalue()


def oriented(kind: str, orientation: int) -> bytes:
    """The scene as stored pixels, with an EXIF flag that says how to turn them."""
    exif = Image.Exif()
    exif[_ORIENTATION] = orientation
    options: dict[str, object] = {"lossless": True} if kind == "WebP" else {}
    if kind == "TIFF":
        return saved(scene(), kind, tiffinfo={_ORIENTATION: orientation})
    return saved(scene(), kind, exif=exif.tobytes(), **options)


# --- files that Pillow does not write -------------------------------------------------------------


def png_chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(
    size: tuple[int, int], depth: int, colour: int, rows: bytes, *extra: bytes, level: int = 6
) -> bytes:
    """A PNG from filtered rows; colour 0 is grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGBA."""
    header = struct.pack(">IIBBBBB", *size, depth, colour, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + b"".join(extra)
        + png_chunk(b"IDAT", zlib.compress(rows, level))
        + png_chunk(b"IEND", b"")
    )


def _png_rows(values: np.ndarray) -> bytes:
    return b"".join(b"\0" + row.tobytes() for row in values)


def _deep_png(picture: Image.Image, colour: int) -> bytes:
    return png(picture.size, 16, colour, _png_rows(_deepened(picture).astype(">u2")))


def _deepened(picture: Image.Image) -> np.ndarray:
    """16 bits: the upper eight as they were, the lower eight so that mixing them up would show."""
    values = np.asarray(picture).astype(np.uint16)
    return values * 256 + (255 - values)


def _two_bit_grey_png(*extra: bytes) -> bytes:
    """Four vertical bars: black, dark, light, white."""
    return png((8, 4), 2, 0, b"\0\x05\xaf" * 4, *extra)


def _bmp(header: bytes, palette: bytes, pixels: bytes) -> bytes:
    offset = 14 + 4 + len(header) + len(palette)
    return (
        struct.pack("<2sIHHI", b"BM", offset + len(pixels), 0, 0, offset)
        + struct.pack("<I", len(header) + 4)
        + header
        + palette
        + pixels
    )


def run_length_bmp(width: int, height: int, code: bytes) -> bytes:
    """A BMP of 8 bits with a red and a blue palette entry, pixels as given."""
    header = struct.pack("<iiHHIIiiII", width, height, 1, 8, 1, len(code), 2835, 2835, 256, 0)
    return _bmp(header, b"\0\0\xff\0" + b"\xff\0\0\0" * 255, code)


def tiff(entries: list[tuple[int, int, int, bytes]], extra: bytes = b"") -> bytes:
    """A little-endian TIFF of one page: entries of tag, type, count and four bytes of value."""
    directory = b"".join(struct.pack("<HHI4s", *entry) for entry in sorted(entries))
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + directory + bytes(4) + extra


def _tiff_entries(width: int, height: int, bits: int = 8) -> list[tuple[int, int, int, bytes]]:
    def long(value: int) -> bytes:
        return struct.pack("<I", value)

    return [
        (256, 4, 1, long(width)),
        (257, 4, 1, long(height)),
        (258, 3, 1, long(bits)),
        (259, 3, 1, long(1)),
        (262, 3, 1, long(1)),
        (277, 3, 1, long(1)),
    ]


def jpeg_segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def with_segments(jpeg: bytes, *segments: bytes) -> bytes:
    return jpeg[:2] + b"".join(segments) + jpeg[2:]


def without_segment(jpeg: bytes, marker: int) -> bytes:
    start = jpeg.index(bytes([0xFF, marker]))
    (length,) = struct.unpack_from(">H", jpeg, start + 2)
    return jpeg[:start] + jpeg[start + 2 + length :]


def _ycck_jpeg(picture: Image.Image, *, adobe: bool) -> bytes:
    """What Photoshop writes: ink turned into luma and chroma as if it were RGB, black inverted."""
    ink = np.asarray(picture.convert("CMYK"))
    planes = [*Image.fromarray(ink[..., :3]).convert("YCbCr").split()]
    planes.append(Image.fromarray(255 - ink[..., 3]))
    # Pillow inverts what it writes as CMYK, so invert beforehand.
    channels = [channel.point(lambda value: 255 - value) for channel in planes]
    stored = saved(Image.merge("CMYK", channels), "JPEG", quality=95, subsampling=0)
    bare = without_segment(stored, 0xEE)
    marker = jpeg_segment(0xEE, b"Adobe" + struct.pack(">HHHB", 100, 0, 0, 2))
    return with_segments(bare, marker) if adobe else bare


def _arithmetic_jpeg(jpeg: bytes) -> bytes:
    """Declared as coded arithmetically, which Pillow reads and does not write; shows anything."""
    for huffman, arithmetic in ((b"\xff\xc0", b"\xff\xc9"), (b"\xff\xc2", b"\xff\xca")):
        jpeg = jpeg.replace(huffman, arithmetic, 1)
    return jpeg


def with_declared_size(jpeg: bytes, width: int, height: int) -> bytes:
    start = next(i for i in range(len(jpeg)) if jpeg[i : i + 2] in (b"\xff\xc0", b"\xff\xc2"))
    return jpeg[: start + 5] + struct.pack(">HH", height, width) + jpeg[start + 9 :]


# --- colour profiles ------------------------------------------------------------------------------


def matrix_profile(
    *columns: tuple[float, float, float], gamma: float = 2.2, padding: int = 0
) -> bytes:
    """An RGB profile (ICC.1:2001, version 2.1) with these colorants in XYZ, D50, and a gamma.

    What counts comes after ``padding`` bytes of a private tag.
    """

    def fixed(value: float) -> bytes:
        return struct.pack(">i", round(value * 65536))

    def xyz(values: tuple[float, float, float]) -> bytes:
        return b"XYZ " + bytes(4) + b"".join(map(fixed, values))

    white = (0.9642, 1.0, 0.8249)
    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256)) + bytes(2)
    description = b"desc" + bytes(4) + struct.pack(">I", 5) + b"test\0" + bytes(79)
    tags = [(b"priv", b"text" + bytes(4 + padding))] if padding else []
    tags += [(b"desc", description), (b"cprt", b"text" + bytes(4) + b"none"), (b"wtpt", xyz(white))]
    names = (b"rXYZ", b"gXYZ", b"bXYZ")
    tags += [(name, xyz(column)) for name, column in zip(names, columns, strict=True)]
    tags += [(name, curve) for name in (b"rTRC", b"gTRC", b"bTRC")]
    return _profile(b"RGB ", tags)


def _profile(
    space: bytes,
    tags: list[tuple[bytes, bytes]],
    *,
    connection: bytes = b"XYZ ",
    device: bytes = b"mntr",
) -> bytes:
    table, body = struct.pack(">I", len(tags)), b""
    for name, tag in tags:
        table += name + struct.pack(">II", 132 + 12 * len(tags) + len(body), len(tag))
        body += tag + bytes(-len(tag) % 4)
    header = struct.pack(">I4sI4s4s4s", 0, b"test", 0x02100000, device, space, connection)
    header += bytes(12) + b"acsp" + bytes(28) + struct.pack(">iii", 63190, 65536, 54061)
    profile = header.ljust(128, b"\0") + table + body
    return struct.pack(">I", len(profile)) + profile[4:]


SRGB_COLORANTS = (0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141)
WIDE_COLORANTS = (0.7977, 0.2880, 0.0), (0.1352, 0.7119, 0.0), (0.0313, 0.0001, 0.8249)


def rotated_profile(padding: int = 0) -> bytes:
    """What is called red is green in it, green is blue, and blue is red."""
    red, green, blue = SRGB_COLORANTS
    return matrix_profile(green, blue, red, padding=padding)


def wide_gamut_profile() -> bytes:
    """Colorants of ProPhoto RGB, gamma 1.8."""
    return matrix_profile(*WIDE_COLORANTS, gamma=1.8)


def ink_profile() -> bytes:
    """A CMYK profile of an odd press: cyan ink prints red, black ink darkens, the others nothing.

    The table, of type lut8, has two steps along each ink and holds CIELAB as bytes.
    """
    white, red, black = (255, 128, 128), (136, 208, 195), (0, 128, 128)
    grid = b"".join(
        bytes(black if k else red if c else white)
        for c in (0, 1)
        for _m in (0, 1)
        for _y in (0, 1)
        for k in (0, 1)
    )
    unit = struct.pack(">9i", 65536, 0, 0, 0, 65536, 0, 0, 0, 65536)
    line = bytes(range(256))
    table = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + unit + line * 4 + grid + line * 3
    description = b"desc" + bytes(4) + struct.pack(">I", 5) + b"test\0" + bytes(79)
    paper = b"XYZ " + bytes(4) + struct.pack(">iii", 63190, 65536, 54061)
    tags = [(b"desc", description), (b"wtpt", paper), (b"A2B0", table)]
    return _profile(b"CMYK", tags, connection=b"Lab ", device=b"prtr")


def grey_profile(gamma: float) -> bytes:
    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256)) + bytes(2)
    white = b"XYZ " + bytes(4) + struct.pack(">iii", 63190, 65536, 54061)
    description = b"desc" + bytes(4) + struct.pack(">I", 5) + b"test\0" + bytes(79)
    return _profile(b"GRAY", [(b"desc", description), (b"wtpt", white), (b"kTRC", curve)])


def srgb_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


# --- accepted -------------------------------------------------------------------------------------


def heic_writable() -> bool:
    try:
        import pillow_heif
    except ImportError:
        return False
    return (
        bool(pillow_heif.get_lib_info()["HEIF"]) if hasattr(pillow_heif, "get_lib_info") else True
    )


@cache
def accepted() -> list[Case]:
    """Pictures that must be read, small ones first."""
    makers = (_jpegs, _pngs, _webps, _gifs, _bmps, _tiffs, _avifs, _heics, _extremes)
    cases = [case for maker in makers for case in maker()]
    assert len({case.name for case in cases}) == len(cases)
    return cases


def _grey() -> Image.Image:
    return scene().convert("L")


def _black_and_white() -> Image.Image:
    return scene().convert("1")


def _palette() -> Image.Image:
    return scene().quantize(64)


def _jpegs() -> Iterator[Case]:
    rgb = scene()
    grey = _grey().convert("RGB")
    plain = saved(rgb, "JPEG", quality=92)
    yield Case("jpeg", plain, rgb, 4)
    for subsampling in (0, 1, 2):
        options = {"quality": 90, "subsampling": subsampling}
        yield Case(f"jpeg-subsampling-{subsampling}", saved(rgb, "JPEG", **options), rgb, 5)
    yield Case("jpeg-progressive", saved(rgb, "JPEG", progressive=True, quality=92), rgb, 4)
    yield Case("jpeg-quality-1", saved(rgb, "JPEG", quality=1), rgb, 40)
    yield Case("jpeg-quality-100", saved(rgb, "JPEG", quality=100, subsampling=0), rgb, 1)
    yield Case("jpeg-optimised", saved(rgb, "JPEG", optimize=True, quality=92), rgb, 4)
    yield Case("jpeg-rgb", saved(rgb, "JPEG", keep_rgb=True, quality=92), rgb, 4)
    yield Case("jpeg-restart", saved(rgb, "JPEG", restart_marker_blocks=2, quality=92), rgb, 4)
    yield Case("jpeg-grey", saved(_grey(), "JPEG", quality=92), grey, 3)
    black_and_white = _black_and_white()
    yield Case(
        "jpeg-1bit", saved(black_and_white, "JPEG", quality=92), black_and_white.convert("RGB"), 6
    )
    yield Case("jpeg-ycc", saved(rgb.convert("YCbCr"), "JPEG", quality=92), rgb, 4)
    cmyk = saved(rgb.convert("CMYK"), "JPEG", quality=95)
    yield Case("jpeg-cmyk-adobe", cmyk, rgb, 5)
    yield Case("jpeg-cmyk-bare", without_segment(cmyk, 0xEE), rgb, 5)
    progressive_cmyk = saved(rgb.convert("CMYK"), "JPEG", quality=95, progressive=True)
    yield Case("jpeg-cmyk-progressive", progressive_cmyk, rgb, 5)
    yield Case("jpeg-ycck-adobe", _ycck_jpeg(rgb, adobe=True), rgb, 5)
    yield Case("jpeg-ycck-bare", _ycck_jpeg(rgb, adobe=False), size=rgb.size)
    second = rgb.transpose(Image.Transpose.ROTATE_180)
    several = saved(rgb, "MPO", save_all=True, append_images=[second], quality=92)
    yield Case("jpeg-mpo", several, rgb, 4)
    yield Case("jpeg-comment", saved(rgb, "JPEG", comment=b"x" * 60_000, quality=92), rgb, 4)
    yield Case("jpeg-trailing-junk", plain + b"\0junk" * 1000, rgb, 4)
    yield Case("jpeg-padded-markers", plain[:2] + b"\xff" * 50 + plain[2:], rgb, 4)
    yield Case("jpeg-without-jfif", without_segment(plain, 0xE0), rgb, 4)
    rotated = saved(rgb, "JPEG", quality=95, subsampling=0, icc_profile=rotated_profile())
    red, green, blue = rgb.split()
    yield Case("jpeg-icc-rotated", rotated, Image.merge("RGB", (blue, red, green)), 6)
    many = rotated_profile(padding=100_000)  # two segments
    yield Case(
        "jpeg-icc-two-segments",
        saved(rgb, "JPEG", quality=95, subsampling=0, icc_profile=many),
        Image.merge("RGB", (blue, red, green)),
        6,
    )
    progressive = saved(rgb, "JPEG", progressive=True, quality=92)
    yield Case("jpeg-arithmetic", _arithmetic_jpeg(plain), size=rgb.size)
    yield Case("jpeg-arithmetic-progressive", _arithmetic_jpeg(progressive), size=rgb.size)
    for name, profile in {
        "srgb": srgb_profile(),
        "garbage": b"garbage" * 100,
        "short": b"x",
        "cut": rotated_profile()[:150],
        "for-grey": grey_profile(1.0),
    }.items():
        data = saved(rgb, "JPEG", quality=92, icc_profile=profile)
        yield Case(f"jpeg-icc-{name}", data, rgb, 4)
    exif = Image.Exif()
    exif[271] = "camera" * 2000
    yield Case("jpeg-exif-long", saved(rgb, "JPEG", quality=92, exif=exif.tobytes()), rgb, 4)
    broken = b"Exif\0\0II*\0\xff\xff\xff\xff" + bytes(10)
    yield Case("jpeg-exif-broken", with_segments(plain, jpeg_segment(0xE1, broken)), rgb, 4)


def _pngs() -> Iterator[Case]:
    rgb, clear = scene(), scene_with_alpha()
    white = on_white(clear)
    grey = _grey()
    for mode in ("1", "L", "LA", "I;16", "P", "RGB", "RGBA"):
        picture = _in_mode(mode)
        yield Case(f"png-{mode}", saved(picture, "PNG"), _shown(mode), 2)
    for bits in (1, 2, 4, 8):
        few = rgb.quantize(2**bits)
        yield Case(f"png-palette-{bits}bit", saved(few, "PNG", bits=bits), few.convert("RGB"), 0)
    yield Case("png-rgb16", _deep_png(rgb, 2), rgb, 1)
    yield Case("png-rgba16", _deep_png(clear, 6), white, 2)
    yield Case("png-grey-alpha16", _deep_png(clear.convert("LA"), 4), on_white(clear.convert("LA")))
    bars = np.repeat(np.array([0, 85, 170, 255], np.uint8), 2)
    shown = Image.fromarray(np.tile(bars, (4, 1))).convert("RGB")
    yield Case("png-grey-2bit", _two_bit_grey_png(), shown, 0)
    without_light = shown.point(lambda value: 255 if value == 170 else value)
    yield Case(
        "png-grey-2bit-transparent",
        _two_bit_grey_png(png_chunk(b"tRNS", b"\0\2")),
        without_light,
        0,
    )
    few = rgb.quantize(8)
    index = _level(few, WIDTH - 1, HEIGHT - 1)
    mask = few.point(lambda value: 255 * (value != index), "L")
    paper = Image.new("RGB", rgb.size, "white")
    paper.paste(few.convert("RGB"), mask=mask)
    yield Case("png-palette-transparent", saved(few, "PNG", transparency=index), paper, 1)
    half = few.convert("RGBA")
    half.putalpha(mask.point(lambda value: 255 if value else 100))
    steps = bytes(100 if i == index else 255 for i in range(8))
    yield Case("png-palette-alpha", saved(few, "PNG", transparency=steps), on_white(half), 1)
    red = Image.new("RGB", rgb.size, "white")
    red.paste(
        rgb,
        mask=Image.fromarray(
            255 - 255 * (np.asarray(rgb) == (220, 30, 30)).all(-1).astype(np.uint8)
        ),
    )
    yield Case("png-rgb-transparent", saved(rgb, "PNG", transparency=(220, 30, 30)), red, 1)
    level = _level(grey, 0, 0)
    light = grey.point(lambda value: 255 if value == level else value).convert("RGB")
    yield Case("png-grey-transparent", saved(grey, "PNG", transparency=level), light, 1)
    deep = Image.fromarray(_deepened(grey))
    yield Case(
        "png-grey16-transparent", saved(deep, "PNG", transparency=_level(deep, 0, 0)), light, 1
    )
    yield Case("png-apng", saved(rgb, "PNG", save_all=True, append_images=[paper]), rgb, 0)
    yield Case(
        "png-icc-rotated",
        saved(rgb, "PNG", icc_profile=rotated_profile()),
        Image.merge("RGB", [rgb.split()[i] for i in (2, 0, 1)]),
        3,
    )
    yield Case("png-icc-grey", saved(grey, "PNG", icc_profile=grey_profile(1.0)), size=rgb.size)
    text = png_chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(10_000_000)))
    plain = saved(rgb, "PNG")
    yield Case("png-text-bomb", plain[:33] + text + plain[33:], rgb, 0)
    wrong = png_chunk(b"tEXt", b"a\0b")[:-1] + b"?"
    yield Case("png-text-broken", plain[:33] + wrong + plain[33:], rgb, 0)
    yield Case("png-trailing-junk", plain + b"junk" * 1000, rgb, 0)


def _in_mode(mode: str) -> Image.Image:  # noqa: PLR0911 - a table of modes
    """The scene in any mode of Pillow, its range used as files of that mode use it."""
    grey = np.asarray(_grey())
    clear = scene_with_alpha()
    match mode:
        case "1":
            return _black_and_white()
        case "P":
            return _palette()
        case "PA":
            # Pillow makes no other mode PA from RGBA, so its alpha is set afterwards.
            palette = _palette().convert("PA")
            palette.putalpha(clear.getchannel("A"))
            return palette
        case "I;16":
            return Image.fromarray(_deepened(_grey()))
        case "I;16B":
            return Image.frombytes(
                "I;16B", (WIDTH, HEIGHT), _deepened(_grey()).astype(">u2").tobytes()
            )
        case "I":
            return Image.fromarray(grey.astype(np.int32) * 257)
        case "F":
            return Image.fromarray(grey.astype(np.float32) / 255)
        case "LA" | "RGBA":
            return clear.convert(mode)
        case "LAB":
            profiles = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
            lab = ImageCms.profileToProfile(scene(), *profiles, outputMode="LAB")
            assert lab is not None
            return lab
    return scene().convert(mode)


def _shown(mode: str) -> Image.Image:
    """What ``_in_mode`` looks like."""
    match mode:
        case "I;16" | "I;16B" | "I" | "L":
            return _grey().convert("RGB")
        case "F":  # from the least value to the greatest
            values = np.asarray(_grey()).astype(np.float32)
            values = (values - values.min()) / (values.max() - values.min())
            return Image.fromarray((255 * values).astype(np.uint8)).convert("RGB")
        case "1" | "P":
            return _in_mode(mode).convert("RGB")
        case "LA" | "RGBA" | "PA":
            return on_white(_in_mode(mode))
    return scene()


def _level(picture: Image.Image, x: int, y: int) -> int:
    return int(np.asarray(picture)[y, x])


def _webps() -> Iterator[Case]:
    rgb, clear = scene(), scene_with_alpha()
    yield Case("webp", saved(rgb, "WebP", quality=90), rgb, 5)
    yield Case("webp-lossless", saved(rgb, "WebP", lossless=True), rgb, 0)
    yield Case("webp-alpha", saved(clear, "WebP", lossless=True), on_white(clear), 1)
    yield Case("webp-lossy-alpha", saved(clear, "WebP", quality=90), on_white(clear), 6)
    yield Case("webp-grey", saved(_grey(), "WebP", lossless=True), _grey().convert("RGB"), 0)
    later = Image.new("RGB", rgb.size, "black")
    film = saved(rgb, "WebP", save_all=True, append_images=[later] * 3, lossless=True)
    yield Case("webp-animated", film, rgb, 0)
    yield Case(
        "webp-icc-rotated",
        saved(rgb, "WebP", lossless=True, icc_profile=rotated_profile()),
        Image.merge("RGB", [rgb.split()[i] for i in (2, 0, 1)]),
        3,
    )


def _gifs() -> Iterator[Case]:
    palette = _palette()
    shown = palette.convert("RGB")
    yield Case("gif", saved(palette, "GIF"), shown, 0)
    yield Case("gif-87a", b"GIF87a" + saved(palette, "GIF", interlace=0)[6:], shown, 0)
    yield Case("gif-interlaced", saved(palette, "GIF", interlace=1), shown, 0)
    yield Case("gif-grey", saved(_grey(), "GIF"), _grey().convert("RGB"), 0)
    yield Case("gif-1bit", saved(_black_and_white(), "GIF"), _black_and_white().convert("RGB"), 0)
    yield Case("gif-comment", saved(palette, "GIF", comment=b"x" * 100_000), shown, 0)
    few = scene().quantize(8)
    index = _level(few, WIDTH - 1, HEIGHT - 1)
    paper = few.convert("RGB")
    paper.paste((255, 255, 255), mask=few.point(lambda value: 255 * (value == index), "L"))
    yield Case("gif-transparent", saved(few, "GIF", transparency=index), paper, 1)
    later = Image.new("P", palette.size)
    for disposal in (0, 1, 2, 3):
        film = saved(palette, "GIF", save_all=True, append_images=[later] * 3, disposal=disposal)
        yield Case(f"gif-animated-{disposal}", film, shown, 0)
    whole = saved(palette, "GIF")
    wider = whole[:6] + struct.pack("<HH", WIDTH + 20, HEIGHT + 10) + whole[10:]
    yield Case("gif-small-frame", wider, size=(WIDTH + 20, HEIGHT + 10))
    narrower = whole[:6] + struct.pack("<HH", 10, 10) + whole[10:]
    yield Case("gif-frame-beyond-canvas", narrower, shown, 0)


def _bmps() -> Iterator[Case]:
    for mode in ("1", "L", "P", "RGB", "RGBA"):
        shown = scene() if mode == "RGBA" else _shown(mode)
        yield Case(
            f"bmp-{mode}",
            saved(_in_mode(mode), "BMP"),
            None if mode == "RGBA" else shown,
            0,
            size=scene().size,
        )
    blocks = Image.new("RGB", (4, 2), "red")
    blocks.paste((0, 0, 255), (2, 0, 4, 2))
    run_length = run_length_bmp(4, 2, b"\2\0\2\1\0\0\2\0\2\1\0\0\0\1")
    yield Case("bmp-run-length", run_length, blocks, 0)
    high_colour = struct.pack("<iiHHIIiiII", 4, 2, 1, 16, 3, 16, 0, 0, 0, 0)
    masks = struct.pack("<III", 0xF800, 0x07E0, 0x001F)
    row = struct.pack("<HHHH", 0xF800, 0xF800, 0x001F, 0x001F)
    yield Case("bmp-565", _bmp(high_colour, masks, row * 2), blocks, 0)
    pixels = b"\0\0\xff" * 2 + b"\xff\0\0" * 2
    yield Case("bmp-os2", _bmp(struct.pack("<HHHH", 4, 2, 1, 24), b"", pixels * 2), blocks, 0)
    upper = b"\0\0\xff" * 4
    lower = b"\xff\0\0" * 4
    halves = Image.new("RGB", (4, 2), "red")
    halves.paste((0, 0, 255), (0, 1, 4, 2))
    top_down = struct.pack("<iiHHIIiiII", 4, -2, 1, 24, 0, 24, 0, 0, 0, 0)
    yield Case("bmp-top-down", _bmp(top_down, b"", upper + lower), halves, 0)


def _tiffs() -> Iterator[Case]:
    modes = ("1", "L", "LA", "P", "PA", "I", "I;16", "I;16B", "F", "RGB", "RGBX", "RGBA", "CMYK")
    for mode in (*modes, "LAB"):
        shown = _shown("F" if mode == "I" else mode)  # 32 bits have no agreed white
        yield Case(f"tiff-{mode}", saved(_in_mode(mode), "TIFF"), shown, 8 if mode == "LAB" else 2)
    for compression in ("packbits", "tiff_lzw", "tiff_adobe_deflate", "tiff_deflate", "zstd"):
        for mode in ("L", "P", "RGB", "RGBA", "CMYK", "I;16", "F"):
            data = saved(_in_mode(mode), "TIFF", compression=compression)
            yield Case(f"tiff-{mode}-{compression}", data, _shown(mode), 2)
    for compression in ("group3", "group4", "tiff_ccitt"):
        data = saved(_in_mode("1"), "TIFF", compression=compression)
        yield Case(f"tiff-1-{compression}", data, _shown("1"), 0)
    rgb = scene()
    yield Case("tiff-jpeg", saved(rgb, "TIFF", compression="jpeg", quality=92), rgb, 6)
    yield Case("tiff-lzma", saved(rgb, "TIFF", compression="lzma"), rgb, 0)
    yield Case("tiff-big", saved(rgb, "TIFF", big_tiff=True), rgb, 0)
    later = Image.new("RGB", (10, 10))
    for compression in ("raw", "tiff_lzw"):
        book = saved(rgb, "TIFF", save_all=True, append_images=[later] * 3, compression=compression)
        yield Case(f"tiff-pages-{compression}", book, rgb, 0)
    narrow = saved(rgb, "TIFF", compression="tiff_lzw", strip_size=WIDTH * 3)
    yield Case("tiff-strips", narrow, rgb, 0)
    values = np.asarray(_grey()).astype(np.float32)
    values[:4, :4], values[:4, 4:8], values[:4, 8:12] = np.nan, np.inf, -np.inf
    for name, floats in {
        "nan": values,
        "only-nan": np.full((HEIGHT, WIDTH), np.nan, np.float32),
        "constant": np.full((HEIGHT, WIDTH), 7.0, np.float32),
        "negative": values - 1e6,
        "huge": (values * 1e36).astype(np.float32),
        "extreme": np.array([[-3.4e38, 3.4e38]], np.float32).repeat(4, 0),
        "tiny": values * np.float32(1e-40),
    }.items():
        data = saved(Image.fromarray(floats), "TIFF")
        yield Case(f"tiff-float-{name}", data, size=(floats.shape[1], floats.shape[0]))
    wide = np.linspace(-(2**31), 2**31 - 1, WIDTH * HEIGHT).reshape(HEIGHT, WIDTH).astype(np.int32)
    yield Case("tiff-32bit", saved(Image.fromarray(wide), "TIFF"), size=scene().size)
    profile = saved(rgb, "TIFF", icc_profile=rotated_profile())
    turned = Image.merge("RGB", [rgb.split()[i] for i in (2, 0, 1)])
    yield Case("tiff-icc-rotated", profile, turned, 3)


def _avifs() -> Iterator[Case]:
    rgb, clear = scene(), scene_with_alpha()
    yield Case("avif", saved(rgb, "AVIF", quality=90, speed=10), rgb, 5)
    exact = {"quality": 100, "subsampling": "4:4:4", "speed": 10}
    yield Case("avif-444", saved(rgb, "AVIF", **exact), rgb, 3)
    yield Case("avif-alpha", saved(clear, "AVIF", **exact), on_white(clear), 4)
    yield Case("avif-grey", saved(_grey(), "AVIF", **exact), _grey().convert("RGB"), 3)
    later = Image.new("RGB", rgb.size, "black")
    film = saved(rgb, "AVIF", save_all=True, append_images=[later] * 3, **exact)
    yield Case("avif-animated", film, rgb, 4)


def _heics() -> Iterator[Case]:
    if not heic_writable():
        return
    rgb, clear = scene(), scene_with_alpha()
    yield Case("heic", saved(rgb, "HEIF", quality=90), rgb, 5)
    yield Case("heic-444", saved(rgb, "HEIF", quality=95, chroma=444), rgb, 4)
    yield Case("heic-alpha", saved(clear, "HEIF", quality=95, chroma=444), on_white(clear), 6)
    yield Case("heic-grey", saved(_grey(), "HEIF", quality=95), _grey().convert("RGB"), 4)
    deep = _in_mode("I;16")
    yield Case("heic-grey16", saved(deep, "HEIF", quality=95), _grey().convert("RGB"), 5)
    turned = Image.merge("RGB", [rgb.split()[i] for i in (2, 0, 1)])
    profile = saved(rgb, "HEIF", quality=95, chroma=444, icc_profile=rotated_profile())
    yield Case("heic-icc-rotated", profile, turned, 8)


def _extremes() -> Iterator[Case]:
    for size in ((1, 1), (1, 20_000), (20_000, 1), (2, 3)):
        line = Image.new("RGB", size, (200, 40, 40))
        for kind in ("JPEG", "PNG", "GIF", "BMP", "TIFF", "WebP", "AVIF"):
            if kind in ("WebP", "AVIF") and max(size) > 16_383:
                continue  # cannot be written
            yield Case(f"{kind.lower()}-{size[0]}x{size[1]}", saved(line, kind), line, 6)


# --- refused --------------------------------------------------------------------------------------


class _Harmless:
    def __reduce__(self) -> tuple[type[int], tuple[str]]:
        return int, ("7",)


def small_files() -> dict[str, bytes]:
    """One small file of every kind, to be cut short and scribbled on."""
    rgb = scene().resize((24, 16))
    files = {
        "jpeg": saved(rgb, "JPEG", quality=60),
        "jpeg-progressive": saved(rgb, "JPEG", quality=60, progressive=True),
        "jpeg-cmyk": saved(rgb.convert("CMYK"), "JPEG", icc_profile=rotated_profile()),
        "png": saved(rgb, "PNG", icc_profile=rotated_profile()),
        "png-palette": saved(rgb.quantize(16), "PNG", transparency=3),
        "webp": saved(rgb, "WebP", quality=60),
        "webp-lossless": saved(scene_with_alpha().resize((24, 16)), "WebP", lossless=True),
        "gif": saved(
            rgb.quantize(16), "GIF", save_all=True, append_images=[Image.new("P", (24, 16))]
        ),
        "bmp": saved(rgb.quantize(16), "BMP"),
        "bmp-run-length": run_length_bmp(4, 2, b"\2\0\2\1\0\0\2\0\2\1\0\0\0\1"),
        "tiff": saved(rgb.convert("L"), "TIFF"),
        "tiff-lzw": saved(rgb, "TIFF", compression="tiff_lzw"),
        "tiff-jpeg": saved(rgb, "TIFF", compression="jpeg"),
        "tiff-fax": saved(rgb.convert("1"), "TIFF", compression="group4"),
        "avif": saved(rgb, "AVIF", quality=50, speed=10),
    }
    if heic_writable():
        files["heic"] = saved(rgb.resize((64, 64)), "HEIF", quality=50)
    return files


@cache
def refused() -> list[Case]:
    """Files that must be refused, with the error for each."""
    cases = [
        *(Case(name, data, error=PictureError) for name, data in _unreadable().items()),
        *(Case(name, data, error=UnsupportedPictureError) for name, data in _foreign().items()),
        *(Case(name, data, error=PictureTooLargeError) for name, data in _too_large().items()),
    ]
    assert len({case.name for case in cases}) == len(cases)
    return cases


def _unreadable() -> dict[str, bytes]:
    small = small_files()
    files = {
        "empty": b"",
        "one-byte": b"\xff",
        "zeros": bytes(5000),
        "noise": random.Random(1).randbytes(5000),
        "text": b"Dear MoodLens, how do you feel today?",
        "json": b'{"file": "photo.jpg"}',
        "data-url": b"data:image/png;base64,iVBORw0KGgo=",
        "bitmap-by-name-only": b"BMW is not a bitmap, whatever its first letters say.",
        "jpeg-only-start": b"\xff\xd8\xff",
        "jpeg-no-pixels": b"\xff\xd8\xff\xd9",
        "png-only-signature": b"\x89PNG\r\n\x1a\n",
        "png-no-pixels": png((4, 4), 8, 0, b""),
        "png-100000-chunks": _with_png_chunk(png_chunk(b"tEXt", b"") * 100_000),
        "png-zero-size": png((0, 4), 8, 0, b"\0" * 4),
        "gif-no-frame": b"GIF89a" + struct.pack("<HHBBB", 8, 8, 0, 0, 0) + b";",
        "gif-frame-beyond-65535": gif_with_frame(60_000, 1, left=20_000),
        "tiff-no-directory": b"II*\0\xff\xff\xff\xff",
        "tiff-empty-directory": tiff([]),
        "tiff-loop": b"II*\0" + struct.pack("<IHI", 8, 0, 8),
        "webp-only-header": b"RIFF\x04\0\0\0WEBP",
        "avif-only-brand": struct.pack(">I", 20) + b"ftypavif\0\0\0\0avif",
        "heic-only-brand": struct.pack(">I", 20) + b"ftypheic\0\0\0\0heic",
        "bmp-unknown-depth": _bmp(struct.pack("<HHHH", 4, 2, 1, 7), b"", bytes(64)),
    }
    for name, data in small.items():
        files[f"{name}-half"] = data[: len(data) // 2]
    return files


def _foreign() -> dict[str, bytes]:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as bundle:
        bundle.writestr("picture.png", saved(scene(), "PNG"))
    drawing = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect/></svg>'
    return {
        "svg": drawing,
        "svg-declared": b'<?xml version="1.0"?>\n<!-- drawn by hand -->\n' + drawing,
        "svg-utf16": "\ufeff".encode("utf-16-le") + drawing.decode().encode("utf-16-le"),
        "svg-external": b'<?xml version="1.0"?><!DOCTYPE svg SYSTEM "http://127.0.0.1/x.dtd">'
        + drawing,
        "html": b"<!DOCTYPE html><html><body><img src=x onerror=alert(1)></body></html>",
        "html-after-blank": b"\xef\xbb\xbf\n\n  <HTML><script>alert(1)</script></HTML>",
        "xml": b'<?xml version="1.0"?><feed/>',
        "pdf": b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\n%%EOF",
        "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage",
        "zip": archive.getvalue(),
        "gzip": gzip.compress(drawing),
        "pickle-2": pickle.dumps(_Harmless(), protocol=2),
        "pickle-5": pickle.dumps(_Harmless(), protocol=5),
        "photoshop": b"8BPS\0\1" + bytes(20),
        "icon": saved(scene().resize((16, 16)), "ICO"),
        "jpeg-2000": saved(scene(), "JPEG2000"),
        "jpeg-xl": b"\xff\x0a" + bytes(50),
        "jpeg-xl-boxed": b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(50),
        "video": struct.pack(">I", 24) + b"ftypisom\0\0\2\0isommp42" + bytes(50),
        "webm": b"\x1a\x45\xdf\xa3" + bytes(50),
        "wave": b"RIFF\x24\0\0\0WAVEfmt " + bytes(50),
        "program": b"\x7fELF\2\1\1" + bytes(50),
        "array": b"\x93NUMPY\1\0" + bytes(50),
    }


def _too_large() -> dict[str, bytes]:
    small = small_files()
    black_rows = bytes(30_001)
    giant = struct.pack("<iiHHIIiiII", 65_500, 65_500, 1, 24, 0, 0, 0, 0, 0, 0)
    entries = _tiff_entries(65_500, 65_500)
    entries += [(273, 4, 1, struct.pack("<I", 8)), (279, 4, 1, struct.pack("<I", 8))]
    return {
        "bytes": small["jpeg"] + bytes(20 * 2**20),
        "jpeg-65500": with_declared_size(small["jpeg"], 65_500, 65_500),
        "jpeg-progressive-36-megapixels": with_declared_size(
            small["jpeg-progressive"], 6_000, 6_000
        ),
        "png-65500": png((65_500, 65_500), 8, 2, black_rows),
        "tiff-tile-36-megapixels": _tiff_of_one_tile(6_000),
        "avif-claims-less": _claimed_size("AVIF", 4_300),
        "png-30000-zip-bomb": png((30_000, 30_000), 1, 0, bytes(3_751 * 30_000), level=9),
        "png-100000-wide": png((100_000, 1), 8, 0, bytes(100_001)),
        "gif-65500": small["gif"][:6] + struct.pack("<HH", 65_500, 65_500) + small["gif"][10:],
        "gif-disposed-frame-12000": gif_with_frame(12_000, 12_000),
        "bmp-65500": _bmp(giant, b"", bytes(64)),
        "tiff-65500": tiff(entries, bytes(64)),
        "webp-16383": _declared_webp(16_383, 16_383),
        "bmp-run-length-9-megapixels": run_length_bmp(3_000, 3_000, b"\0\1"),
    }


def gif_with_frame(width: int, height: int, left: int = 0) -> bytes:
    """A GIF of 1 x 1 whose only frame is larger, and is to be cleared afterwards."""
    canvas = b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    control = b"!\xf9\4" + bytes([2 << 2 | 1]) + bytes(4)
    return (
        canvas + control + b"," + struct.pack("<HHHHB", left, 0, width, height, 0) + b"\2\2D\1\0;"
    )


def _declared_webp(width: int, height: int) -> bytes:
    """An extended WebP whose canvas is far larger than the tiny frame in it."""
    frame = saved(Image.new("RGB", (8, 8)), "WebP", lossless=True)[12:]
    body = bytes(6) + (7).to_bytes(3, "little") * 2 + bytes(4)
    anmf = b"ANMF" + struct.pack("<I", len(body) + len(frame)) + body + frame
    extended = bytes([2, 0, 0, 0]) + (width - 1).to_bytes(3, "little")
    extended += (height - 1).to_bytes(3, "little")
    chunks = b"VP8X" + struct.pack("<I", 10) + extended
    chunks += b"ANIM" + struct.pack("<I", 6) + bytes(6) + anmf
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WEBP" + chunks


# --- damaged --------------------------------------------------------------------------------------


def damaged(data: bytes, rng: random.Random) -> bytes:
    """Some bytes changed, sometimes a piece repeated or the end cut off; headers the most often."""
    scribbled = bytearray(data)
    reach = min(len(data), rng.choice((64, 256, len(data))))
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        place = rng.randrange(reach)
        flipped = scribbled[place] ^ 1 << rng.randrange(8)
        scribbled[place] = rng.choice((0, 255, flipped, rng.randrange(256)))
    if rng.random() < 0.1:
        start = rng.randrange(len(data))
        scribbled[start:start] = data[start : start + rng.randrange(1, 60)]
    if rng.random() < 0.1:
        del scribbled[rng.randrange(len(scribbled)) :]
    return bytes(scribbled)


# --- costly ---------------------------------------------------------------------------------------

_FILL = 19_900_000  # just under the limit on bytes


def _spam(unit: bytes, room: int = _FILL) -> bytes:
    return unit * (room // len(unit))


def _large_jpeg(width: int, height: int, mode: str = "RGB", **options: object) -> bytes:
    """Textured, so that its decoder has something to do, yet under the limit on bytes."""
    tile = Image.effect_noise((512, 512), 40).convert("RGB")
    picture = Image.new("RGB", (width, height))
    for left in range(0, width, 512):
        for top in range(0, height, 512):
            picture.paste(tile, (left, top))
    return saved(picture.convert(mode), "JPEG", quality=25, **options)


def _many_scans(width: int, height: int, count: int) -> bytes:
    stored = saved(Image.new("RGB", (width, height), "teal"), "JPEG", progressive=True)
    last = stored[stored.rindex(b"\xff\xda") : -2]
    return stored[:-2] + last * count + b"\xff\xd9"


def _tag_bomb(exif: bool) -> bytes:
    """Thousands of tags that all point at the same megabytes."""
    count, length = (5_000, 60_000) if exif else (60_000, 19_000_000)
    at = struct.pack("<I", 8)
    entries = [(0x9000 + i % 0x6000, 7, length, at) for i in range(count)]
    if exif:
        return tiff(entries)[:65_000]
    size = [entry for entry in _tiff_entries(8, 8) if entry[0] != 277]
    return tiff(size + entries, bytes(_FILL - 12 * count))


def _page_chain() -> bytes:
    pages = 1_000_000
    first = tiff([*_tiff_entries(8, 8), (273, 4, 1, bytes(4)), (279, 4, 1, struct.pack("<I", 64))])
    start = len(first)
    chain = b"".join(struct.pack("<HI", 0, start + 6 * (i + 1)) for i in range(pages))
    return first[:-4] + struct.pack("<I", start) + chain


def _tiff_of_strips(count: int, compression: int) -> bytes:
    """As many strips as an entry can name, one row each, all the same one."""
    width, row = 380, zlib.compress(bytes(380)) if compression == 8 else bytes(380)
    entries = [entry for entry in _tiff_entries(width, count) if entry[0] != 259]
    start = 8 + 2 + 12 * (len(entries) + 4) + 4
    entries += [
        (259, 3, 1, struct.pack("<I", compression)),
        (273, 4, count, struct.pack("<I", start)),
        (278, 4, 1, struct.pack("<I", 1)),
        (279, 4, count, struct.pack("<I", start + 4 * count)),
    ]
    offsets = struct.pack("<I", start + 8 * count) * count
    return tiff(entries, offsets + struct.pack("<I", len(row)) * count + row)


def _tiff_of_one_tile(side: int) -> bytes:
    """A picture of 8 x 8 pixels in a tile of side x side that inflates from almost nothing."""
    body = zlib.compress(bytes(side * side), 9)
    entries = [entry for entry in _tiff_entries(8, 8) if entry[0] != 259]
    start = 8 + 2 + 12 * (len(entries) + 5) + 4
    entries += [
        (259, 3, 1, struct.pack("<I", 8)),
        (322, 4, 1, struct.pack("<I", side)),
        (323, 4, 1, struct.pack("<I", side)),
        (324, 4, 1, struct.pack("<I", start)),
        (325, 4, 1, struct.pack("<I", len(body))),
    ]
    return tiff(entries, body)


def _claimed_size(kind: str, side: int) -> bytes:
    """An AVIF or HEIC whose properties claim 100 x 100 pixels and whose frame is far larger."""
    options = {"speed": 10} if kind == "AVIF" else {}
    stored = saved(Image.new("RGB", (side, side), "teal"), kind, quality=30, **options)
    at = stored.index(b"ispe") + 8
    return stored[:at] + struct.pack(">II", 100, 100) + stored[at + 8 :]


def _with_png_chunk(chunk: bytes) -> bytes:
    plain = saved(scene(), "PNG")
    return plain[:33] + chunk + plain[33:]


def _png_profile_bomb() -> bytes:
    return _with_png_chunk(png_chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(10**8), 9)))


def _large_palette_png() -> bytes:
    rows = (b"\0" + bytes(range(250)) * 20) * 5000
    palette = png_chunk(b"PLTE", bytes(range(256)) * 3)
    return png((5000, 5000), 8, 3, rows, palette, png_chunk(b"tRNS", bytes(256)), level=1)


def _noise_rows(width: int, height: int, pixel_bytes: int) -> bytes:
    return (b"\1" + random.Random(0).randbytes(1000 * pixel_bytes) * (width // 1000)) * height


def _float_tiff() -> bytes:
    values = np.linspace(-1, 1, 25_000_000, dtype=np.float32).round(2).reshape(5000, 5000)
    values[0, 0] = np.nan
    return saved(Image.fromarray(values), "TIFF", compression="tiff_adobe_deflate")


def _gif_comments(block: int) -> bytes:
    stored = saved(_palette(), "GIF")
    position = 13 + (3 << (stored[10] & 7) + 1)
    comment = b"!\xfe" + _spam(bytes([block]) + b"x" * block) + b"\0"
    return stored[:position] + comment + stored[position:]


@cache
def costly() -> list[CostlyCase]:
    """Files made to take time or memory, and the largest honest ones."""
    jpeg = saved(scene(), "JPEG")
    plain_png = saved(scene(), "PNG")
    start = jpeg.index(b"\xff\xdb")
    cases = {
        "jpeg-100-megapixels": lambda: _large_jpeg(10_000, 10_000),
        "jpeg-progressive-25-megapixels": lambda: _large_jpeg(5000, 5000, progressive=True),
        "jpeg-cmyk-progressive-25-megapixels": lambda: _large_jpeg(
            5000, 5000, "CMYK", progressive=True, icc_profile=rotated_profile()
        ),
        "jpeg-many-scans": lambda: _many_scans(5000, 5000, 14),
        "jpeg-far-too-many-scans": lambda: _many_scans(2000, 2000, 100_000),
        "jpeg-tiny-with-many-scans": lambda: _many_scans(8, 8, 1_500_000),
        "jpeg-comments": lambda: with_segments(jpeg, _spam(b"\xff\xfe\0\2")),
        "jpeg-padding": lambda: with_segments(jpeg, _spam(b"\xff")),
        "jpeg-stuffing": lambda: with_segments(jpeg, _spam(b"\xff\0")),
        "jpeg-junk": lambda: jpeg[:start] + _spam(b"junk") + jpeg[start:],
        "jpeg-tables": lambda: with_segments(jpeg, _spam(jpeg[start : start + 69])),
        "jpeg-exif-bomb": lambda: with_segments(
            jpeg, *[jpeg_segment(0xE1, b"Exif\0\0" + _tag_bomb(exif=True))] * 300
        ),
        "jpeg-profile-parts": lambda: with_segments(
            jpeg,
            *[
                jpeg_segment(0xE2, b"ICC_PROFILE\0" + bytes([i, 255]) + bytes(65_000))
                for i in range(255)
            ],
        ),
        "png-25-megapixels-rgba": lambda: png(
            (5000, 5000), 8, 6, _noise_rows(5000, 5000, 4), level=1
        ),
        "png-25-megapixels-rgba16": lambda: png(
            (5000, 5000), 16, 6, _noise_rows(5000, 5000, 8), level=1
        ),
        "png-25-megapixels-palette": _large_palette_png,
        "png-text-bomb": lambda: _with_png_chunk(
            png_chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(10**8), 9))
        ),
        "png-profile-bomb": _png_profile_bomb,
        "png-chunks": lambda: _with_png_chunk(_spam(png_chunk(b"tEXt", b""))),
        "png-empty-pixels": lambda: _with_png_chunk(_spam(png_chunk(b"IDAT", b""))),
        "png-few-empty-pixels": lambda: _with_png_chunk(png_chunk(b"IDAT", b"") * 90_000),
        "png-more-pixels-than-declared": lambda: png((1, 1), 8, 0, bytes(10**8), level=9),
        "png-headers": lambda: plain_png[:8] + plain_png[8:33] * 90_000 + plain_png[33:],
        "gif-comment": lambda: _gif_comments(255),
        "gif-comment-of-single-bytes": lambda: _gif_comments(1),
        "gif-stray-bytes": lambda: b"GIF89a" + bytes(7) + _spam(b"\0"),
        "gif-frames": lambda: (
            saved(_palette(), "GIF")[:-1] + _spam(b",\0\0\0\0\1\0\1\0\0\2\2D\1\0")
        ),
        "gif-25-megapixels": lambda: saved(Image.new("P", (5000, 5000), 7), "GIF", transparency=7),
        "bmp-run-length-2-megapixels": lambda: run_length_bmp(2000, 2000, b"\1\0" * 2_000_000),
        "bmp-run-length-single-bytes": lambda: run_length_bmp(2000, 2000, b"\1\0" * 9_000_000),
        "bmp-run-length-jumps": lambda: run_length_bmp(65_000, 60, b"\0\2\xff\xff" * 50_000),
        "bmp-run-length-line-ends": lambda: run_length_bmp(2000, 2000, b"\1\0\0\0" * 2000),
        "tiff-tag-bomb": lambda: _tag_bomb(exif=False),
        "tiff-page-chain": _page_chain,
        "tiff-strips": lambda: _tiff_of_strips(49_000, 1),
        "tiff-strips-deflate": lambda: _tiff_of_strips(49_000, 8),
        "tiff-too-many-strips": lambda: _tiff_of_strips(1_000_000, 1),
        "tiff-tile-large": lambda: _tiff_of_one_tile(5000),
        "tiff-25-megapixels-float": _float_tiff,
        "tiff-25-megapixels-cmyk": lambda: saved(
            Image.new("CMYK", (5000, 5000), "teal"), "TIFF", compression="tiff_adobe_deflate"
        ),
        "webp-17-megapixels-alpha": lambda: saved(
            Image.new("RGBA", (4150, 4150), (9, 99, 9, 99)), "WebP", lossless=True, method=0
        ),
        "avif-17-megapixels-alpha": lambda: saved(
            Image.new("RGBA", (4150, 4150), (9, 99, 9, 99)), "AVIF", speed=10, subsampling="4:4:4"
        ),
    }
    if heic_writable():
        cases["heic-9-megapixels"] = lambda: saved(
            Image.new("RGB", (3000, 3000), "teal"), "HEIF", quality=10
        )
        cases["heic-claims-less"] = lambda: _claimed_size("HEIF", 1000)
    return [CostlyCase(name, build) for name, build in cases.items()]
