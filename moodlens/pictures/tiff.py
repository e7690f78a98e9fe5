"""Directories of TIFF, in files of that kind and in EXIF.

Sources: TIFF 6.0 and BigTIFF, EXIF 2.32.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from moodlens.pictures.first_picture import MAX_PROFILE_BYTES, FirstPicture

_MAX_TILES = 50_000  # strips included; far more than honest files have

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


def first_of_tiff(data: bytes) -> FirstPicture:
    """The first page, with the tags that its pixels need.

    Raises:
        struct.error: for a damaged file.
    """
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
