"""Picture files cut down to what a decoder needs for their first picture.

No comments, no later frames or pages, no metadata but the orientation and the colour profile. The
codecs behind Pillow are quick with pixels, but some are slow, or hungry, with a million comments,
with tags that all point at the same megabytes, or with a chain of a million pages; none of that
reaches them.

Sources: JPEG ITU T.81 annex B, PNG (W3C), GIF89a, TIFF 6.0 and BigTIFF, EXIF 2.32.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from moodlens.pictures.iso_media import coded_av1_pixels, hide_extras

MAX_PROFILE_BYTES = 4 * 2**20
"""Larger ICC profiles are left out, as if they were broken."""

# Far more than honest files have, far less than would take long to walk.
_MAX_SEGMENTS = 2_000  # of a JPEG before its pixels
_MAX_CHUNKS = 100_000  # of a PNG
_MAX_BLOCKS = 1_000_000  # of a GIF before its first frame
_MAX_TILES = 50_000  # of a TIFF, strips included


@dataclass(frozen=True, slots=True)
class FirstPicture:
    """One picture, cut out of its file.

    Attributes:
        data: a file of the same kind with only what a decoder needs.
        exif: EXIF metadata cut out of it; empty where there is none, or the decoder has it.
        profile: ICC profile cut out of it; empty likewise.
        passes: how often a decoder goes over the pixels; above 1 it holds them all at full size.
        coded_pixels: pixels of the largest tile or frame inside, 0 where none can be larger than
            the picture.
    """

    data: bytes
    exif: bytes = b""
    profile: bytes = b""
    passes: float = 1
    coded_pixels: int = 0


def first_picture(data: bytes, kind: str) -> FirstPicture:
    """Cut the first picture out of a file of ``kind``.

    Raises:
        ValueError, IndexError, struct.error: for a damaged file.
    """
    cut = _CUTTERS.get(kind)
    return cut(data) if cut else FirstPicture(data)


# --- JPEG -----------------------------------------------------------------------------------------

_START_OF_SCAN = 0xDA
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE = frozenset({0xC2, 0xCA})
_DECODER_SEGMENTS = _FRAMES | {0xC4, 0xCC, 0xDB, 0xDD, 0xEE}


def _first_of_jpeg(data: bytes) -> FirstPicture:
    kept = [data[:2]]
    exif, frame, components = b"", 0, 0
    profile: dict[int, bytes] = {}
    position = 2
    for _ in range(_MAX_SEGMENTS):
        position = data.index(b"\xff", position)
        marker = data[position + 1]
        if marker in (0x00, 0xFF):  # stuffing and padding
            position += 1
            continue
        if marker == 0x01 or 0xD0 <= marker <= 0xD8:  # markers without a body
            position += 2
            continue
        if marker == _START_OF_SCAN:
            kept.append(data[position:])
            several = frame in _PROGRESSIVE or data[position + 4] != components
            passes = max(2, data.count(b"\xff\xda", position)) if several else 1
            icc = b"".join(profile[index] for index in sorted(profile))
            return FirstPicture(b"".join(kept), exif, icc, passes)
        (length,) = struct.unpack_from(">H", data, position + 2)
        body = data[position + 4 : position + 2 + length]
        if marker in _DECODER_SEGMENTS or (marker == 0xE0 and body.startswith(b"JFIF\0")):
            kept.append(data[position : position + 2 + length])
        if marker in _FRAMES:
            frame, components = marker, body[5]
        elif marker == 0xE1 and body.startswith(b"Exif\0\0"):
            exif = exif or body
        elif marker == 0xE2 and body.startswith(b"ICC_PROFILE\0"):
            profile.setdefault(body[12], body[14:])
        position += 2 + length
    raise ValueError("no pixels within the first segments")


# --- PNG ------------------------------------------------------------------------------------------

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def _first_of_png(data: bytes) -> FirstPicture:
    kept = [_PNG_SIGNATURE]
    header = exif = profile = b""
    position = len(_PNG_SIGNATURE)
    for _ in range(_MAX_CHUNKS):
        if position + 8 > len(data):
            break
        length, name = struct.unpack_from(">I4s", data, position)
        end = position + 12 + length
        if name in (b"IHDR", b"PLTE", b"IDAT", b"IEND"):
            if name == b"IHDR":
                header = data[position + 8 : position + 8 + length]
            kept.append(data[position:end])
        elif name == b"tRNS":
            kept.append(_transparency_chunk(header, data[position:end]))
        elif name == b"iCCP":
            profile = _inflate(data[position + 8 : end - 4].partition(b"\0")[2][1:])
        elif name == b"eXIf":
            exif = data[position + 8 : end - 4]
        if name == b"IEND":
            break
        position = end
    else:
        raise ValueError("too many chunks")
    return FirstPicture(b"".join(kept), exif, profile)


def _transparency_chunk(header: bytes, chunk: bytes) -> bytes:
    """For grey of 2 or 4 bits, scale the transparent value as Pillow scales the pixels."""
    depth, colour = header[8], header[9]
    if colour != 0 or depth not in (2, 4) or len(chunk) != 14:
        return chunk
    value = int.from_bytes(chunk[8:10], "big") % 2**depth * 255 // (2**depth - 1)
    body = b"tRNS" + value.to_bytes(2, "big")
    return chunk[:4] + body + zlib.crc32(body).to_bytes(4, "big")


def _inflate(compressed: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(compressed, MAX_PROFILE_BYTES + 1)
    except zlib.error:
        return b""


# --- GIF ------------------------------------------------------------------------------------------


def _first_of_gif(data: bytes) -> FirstPicture:
    position = 13
    if data[10] & 0x80:
        position += 3 << ((data[10] & 7) + 1)
    palette, control = data[13:position], b""
    blocks = 0
    while data[position] != 0x2C:  # the first frame
        if data[position] == 0x3B:
            raise ValueError("no frame")
        if data[position] != 0x21:
            position, blocks = position + 1, blocks + 1
        else:
            start = position
            position += 2
            while data[position]:
                position, blocks = position + 1 + data[position], blocks + 1
                if blocks > _MAX_BLOCKS:
                    break
            position += 1
            if data[start + 1] == 0xF9 and position - start == 8:
                # Transparency counts; what to dispose of afterwards would cost memory at once.
                control = (
                    data[start : start + 3]
                    + bytes([data[start + 3] & 1])
                    + data[start + 4 : position]
                )
        if blocks > _MAX_BLOCKS:
            raise ValueError("too many blocks before the first frame")
    width, height = struct.unpack_from("<HH", data, 6)
    left, top, frame_width, frame_height = struct.unpack_from("<HHHH", data, position + 1)
    # A frame may stick out of the canvas; the canvas then grows.
    canvas = struct.pack("<HH", max(width, left + frame_width), max(height, top + frame_height))
    return FirstPicture(data[:6] + canvas + data[10:13] + palette + control + data[position:])


# --- TIFF and EXIF --------------------------------------------------------------------------------

_ORIENTATION_TAG, _PROFILE_TAG = 274, 34675
_TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_TYPE_BYTES |= {16: 8, 17: 8, 18: 8}
_KEPT_TAGS = {  # tag: the most values it may have
    256: 1,  # width
    257: 1,  # height
    258: 8,  # bits per sample
    259: 1,  # compression
    262: 1,  # photometric interpretation
    266: 1,  # fill order
    273: _MAX_TILES,  # strip offsets
    _ORIENTATION_TAG: 1,
    277: 1,  # samples per pixel
    278: 1,  # rows per strip
    279: _MAX_TILES,  # strip sizes
    284: 1,  # planar configuration
    292: 1,  # fax options
    293: 1,
    317: 1,  # predictor
    320: 3 * 65536,  # palette
    322: 1,  # tile width
    323: 1,  # tile height
    324: _MAX_TILES,  # tile offsets
    325: _MAX_TILES,  # tile sizes
    332: 1,  # ink set
    338: 8,  # extra samples
    339: 8,  # sample format
    347: 65536,  # JPEG tables
    529: 3,  # YCbCr coefficients
    530: 2,  # YCbCr subsampling
    531: 1,  # YCbCr positioning
    532: 6,  # reference black and white
}
_JPEG_COMPRESSION = 7


class _Entry(NamedTuple):
    tag: int
    raw: bytes  # the entry as it stands in the directory
    values: bytes


def _directory(data: bytes, order: str, offset: int, *, big: bool) -> Iterator[_Entry]:
    """The entries of one TIFF directory whose values lie within the data."""
    layout, inline, start = ("HHQ8s", 8, offset + 8) if big else ("HHL4s", 4, offset + 2)
    (count,) = struct.unpack_from(order + ("Q" if big else "H"), data, offset)
    size = struct.calcsize("=" + layout)
    for index in range(min(count, 65535)):
        place = start + index * size
        if place + size > len(data):
            return
        tag, kind, length, field = struct.unpack_from(order + layout, data, place)
        limit = MAX_PROFILE_BYTES if tag == _PROFILE_TAG else _KEPT_TAGS.get(tag, 0)
        if kind not in _TYPE_BYTES or not 0 < length <= limit:
            continue
        values_size = length * _TYPE_BYTES[kind]
        values = field[:values_size]
        if values_size > inline:
            at = int.from_bytes(field, "little" if order == "<" else "big")
            values = data[at : at + values_size]
        if len(values) == values_size:
            yield _Entry(tag, data[place : place + size], values)


def exif_orientation(exif: bytes) -> int:
    """The orientation, 1..8, in a block of EXIF; 1 where there is none or it is damaged."""
    exif = exif.removeprefix(b"Exif\0\0")
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(exif[:4])
    if order is None:
        return 1
    try:
        (offset,) = struct.unpack_from(order + "L", exif, 4)
        for entry in _directory(exif, order, offset, big=False):
            if entry.tag == _ORIENTATION_TAG:
                value = int.from_bytes(entry.values, "little" if order == "<" else "big")
                return value if 1 <= value <= 8 else 1
    except struct.error:
        pass
    return 1


def _first_of_tiff(data: bytes) -> FirstPicture:
    order = "<" if data.startswith(b"II") else ">"
    big = 43 in data[2:4]
    (offset,) = struct.unpack_from(order + ("Q" if big else "L"), data, 8 if big else 4)
    entries: dict[int, _Entry] = {}
    for entry in _directory(data, order, offset, big=big):
        entries.setdefault(entry.tag, entry)
    profile = entries.pop(_PROFILE_TAG, None)
    # Shorter or as long as before, so it fits in the same place; nothing follows the first page.
    directory = (
        struct.pack(order + ("Q" if big else "H"), len(entries))
        + b"".join(entries[tag].raw for tag in sorted(entries))
        + struct.pack(order + ("Q" if big else "L"), 0)
    )

    def value(tag: int, default: int) -> int:
        entry = entries.get(tag)
        return (
            int.from_bytes(entry.values, "little" if order == "<" else "big") if entry else default
        )

    width, height = value(256, 1), value(257, 1)
    tile = value(322, width) * value(323, min(height, value(278, height)))
    passes = 1.0
    if value(259, 1) == _JPEG_COMPRESSION:
        # Every tile is a JPEG in itself, with as many scans as it likes.
        passes = max(1.0, data.count(b"\xff\xda") * tile / max(1, width * height))
    return FirstPicture(
        data[:offset] + directory + data[offset + len(directory) :],
        profile=profile.values if profile else b"",
        passes=passes,
        coded_pixels=tile,
    )


# --- AVIF and HEIC --------------------------------------------------------------------------------


def _first_of_avif(data: bytes) -> FirstPicture:
    return FirstPicture(hide_extras(data), coded_pixels=coded_av1_pixels(data))


def _first_of_heic(data: bytes) -> FirstPicture:
    return FirstPicture(hide_extras(data))


_CUTTERS: dict[str, Callable[[bytes], FirstPicture]] = {
    "JPEG": _first_of_jpeg,
    "PNG": _first_of_png,
    "GIF": _first_of_gif,
    "TIFF": _first_of_tiff,
    "AVIF": _first_of_avif,
    "HEIC": _first_of_heic,
}
