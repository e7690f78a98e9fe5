"""Picture files cut down to what a decoder needs for their first picture.

No comments, no later frames or pages, no metadata but the orientation and the colour profile. The
codecs behind Pillow are quick with pixels, but some are slow, or hungry, with a million comments,
with tags that all point at the same megabytes, or with a chain of a million pages; none of that
reaches them.

Sources: JPEG ITU T.81 annex B, PNG (W3C), GIF89a.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable

from moodlens.pictures.first_picture import MAX_PROFILE_BYTES, FirstPicture
from moodlens.pictures.heic_items import coded_heic_pixels, hide_unusual_items
from moodlens.pictures.iso_media import coded_av1_pixels, hide_extras
from moodlens.pictures.tiff import first_of_tiff

# Far more than honest files have, far less than would take long to walk.
_MAX_SEGMENTS = 2_000  # of a JPEG before its pixels
_MAX_CHUNKS = 100_000  # of a PNG
_MAX_BLOCKS = 1_000_000  # of a GIF before its first frame


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


# --- AVIF and HEIC --------------------------------------------------------------------------------


def _first_of_avif(data: bytes) -> FirstPicture:
    return FirstPicture(hide_extras(data), coded_pixels=coded_av1_pixels(data))


def _first_of_heic(data: bytes) -> FirstPicture:
    usual = hide_unusual_items(hide_extras(data))
    return FirstPicture(usual, coded_pixels=coded_heic_pixels(usual))


_CUTTERS: dict[str, Callable[[bytes], FirstPicture]] = {
    "JPEG": _first_of_jpeg,
    "PNG": _first_of_png,
    "GIF": _first_of_gif,
    "TIFF": first_of_tiff,
    "AVIF": _first_of_avif,
    "HEIC": _first_of_heic,
}
