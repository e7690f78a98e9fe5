"""The boxes of an AVIF or HEIC file, as far as they decide what decoding it costs.

Sources: ISO/IEC 14496-12 (boxes, item locations), AV1 bitstream specification 5.3 and 5.5
(open bitstream units, sequence header).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

_STILL_BRANDS = {b"avis": b"avif", b"msf1": b"mif1", b"hevc": b"heic", b"hevx": b"heix"}
_MAX_BOXES = 10_000  # on one level
_MAX_META_BYTES = 256 * 2**10  # each of a thousand pictures inside may copy all of it


class Box(NamedTuple):
    """Where a box starts in the file, and its body; and where both end."""

    name: bytes
    start: int
    body: int
    end: int


def boxes(data: bytes, start: int, end: int) -> Iterator[Box]:
    """The boxes in a part of a file, not those inside them.

    Raises:
        ValueError, struct.error: for a damaged file, or one of very many boxes.
    """
    for _ in range(_MAX_BOXES):
        if start + 8 > end:
            return
        size, name = struct.unpack_from(">I4s", data, start)
        body = start + 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, body)
            body += 8
        elif size == 0:
            size = end - start
        if size < body - start:
            raise ValueError("a box smaller than its header")
        yield Box(name, start, body, min(end, start + size))
        start += size
    raise ValueError("too many boxes")


class Reader:
    """Big-endian numbers, one after the other.

    Attributes:
        position: of the next one.
    """

    def __init__(self, data: bytes, start: int, end: int) -> None:
        self._data = data
        self._end = end
        self.position = start

    def take(self, size: int) -> int:
        """The next number, of so many bytes.

        Raises:
            ValueError: it does not end before the box does.
        """
        start, self.position = self.position, self.position + size
        if self.position > self._end:
            raise ValueError("a box ends early")
        return int.from_bytes(self._data[start : self.position], "big")


def hide_extras(data: bytes) -> bytes:
    """The same file without EXIF, XMP and film; what turns the picture upright stays.

    Raises:
        ValueError, struct.error: for a damaged file.
    """
    patched = bytearray(data)
    metadata_bytes = 0
    for box in boxes(data, 0, len(data)):
        if box.name == b"ftyp":
            brands = data[box.body : box.end]
            for film, still in _STILL_BRANDS.items():
                brands = brands.replace(film, still)
            patched[box.body : box.end] = brands
        elif box.name == b"moov":
            patched[box.start + 4 : box.start + 8] = b"free"
        elif box.name == b"meta":
            metadata_bytes += box.end - box.start
            if metadata_bytes > _MAX_META_BYTES:
                raise ValueError("too much metadata")
            section = data[box.start : box.end]
            section = section.replace(b"Exif", b"none").replace(b"mime", b"none")
            patched[box.start : box.end] = section
    return bytes(patched)


def coded_av1_pixels(data: bytes) -> int:
    """The pixels of the largest AV1 frame among the items, by their sequence headers.

    The size in the properties is a mere claim; a decoder allocates what the sequence header says.

    Raises:
        ValueError, IndexError, struct.error: for a damaged file.
    """
    largest = 0
    for meta in boxes(data, 0, len(data)):
        if meta.name == b"meta":
            heads = (head for _, head in item_heads(data, meta))
            largest = max(largest, *map(_av1_pixels, heads), 0)
    return largest


def item_heads(data: bytes, meta: Box) -> Iterator[tuple[int, bytes]]:
    """Every item's number and its first bytes, enough for a sequence header.

    Raises:
        ValueError, struct.error: for a damaged file.
    """
    parts = {box.name: box for box in boxes(data, meta.body + 4, meta.end)}
    if b"iloc" not in parts:
        return
    idat = parts[b"idat"].body if b"idat" in parts else 0
    reader = Reader(data, parts[b"iloc"].body, parts[b"iloc"].end)
    take = reader.take
    version = take(4) >> 24
    sizes = take(2)
    offset_size, length_size, base_size = sizes >> 12, sizes >> 8 & 15, sizes >> 4 & 15
    index_size = sizes & 15 if version else 0
    for _ in range(take(4 if version == 2 else 2)):
        item = take(4 if version == 2 else 2)
        within_idat = bool(version) and take(2) & 15 == 1
        take(2)  # which file: always this one
        base = take(base_size) + (idat if within_idat else 0)
        head = b""
        for _ in range(take(2)):
            take(index_size)
            offset, length = base + take(offset_size), take(length_size)
            room = 256 - len(head)
            head += data[offset : offset + (min(length, room) if length else room)]
        yield item, head


def _av1_pixels(item: bytes) -> int:
    """Width times height in the AV1 sequence header that an item starts with, else 0."""
    position = 0
    while position + 2 < len(item):
        header = item[position]
        position += 2 if header & 4 else 1
        size = shift = 0
        while header & 2 and position < len(item):
            byte = item[position]
            position, size, shift = position + 1, size | (byte & 127) << shift, shift + 7
            if byte < 128:
                break
        if header >> 3 == 1:
            return _sequence_pixels(item[position:])
        if header >> 3 != 2:  # not a temporal delimiter either
            return 0
        position += size
    return 0


def _sequence_pixels(sequence_header: bytes) -> int:
    bits = f"{int.from_bytes(sequence_header, 'big'):0{8 * len(sequence_header)}b}"
    position = 0

    def take(count: int) -> int:
        nonlocal position
        position += count
        return int(bits[position - count : position] or "0", 2)

    take(4)  # profile, still picture
    if take(1):  # the short header of still pictures
        take(5)
    else:
        delay_bits = 0
        if take(1):  # timing
            take(64)
            if take(1):  # a variable-length count of ticks
                zeros = bits.find("1", position) - position
                take(2 * zeros + 1)
            if take(1):  # decoder model
                delay_bits = take(5) + 1
                take(42)
        display_delay = take(1)
        for _ in range(take(5) + 1):  # operating points
            take(12)
            if take(5) > 7:
                take(1)
            if delay_bits and take(1):
                take(2 * delay_bits + 1)
            if display_delay and take(1):
                take(4)
    width_bits, height_bits = take(4) + 1, take(4) + 1
    return (take(width_bits) + 1) * (take(height_bits) + 1)
