"""HEIC files whose picture is put together of others by a recipe, honest and not."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from typing import NamedTuple

import pillow_heif
from PIL import Image

Size = tuple[int, int]

_PIXEL_INFORMATION = b"\3\x08\x08\x08"


class Recipe(NamedTuple):
    """An item that is made of others.

    Attributes:
        kind: four characters.
        payload: how it is made.
        parts: the items that it names; the tile has the number after the last recipe's.
        size: that it claims.
    """

    kind: bytes
    payload: bytes
    parts: list[int]
    size: Size


def grid(rows: int, columns: int, part: int, output: Size, claimed: Size | None = None) -> Recipe:
    """A grid that names the same part for each of its places."""
    payload = struct.pack(">BBBBII", 0, 1, rows - 1, columns - 1, *output)
    return Recipe(b"grid", payload, [part] * (rows * columns), claimed or output)


def overlay(canvas: Size, claimed: Size) -> Recipe:
    """One part, the second item, in the corner of a canvas."""
    payload = struct.pack(">BB8xIIii", 0, 1, *canvas, 0, 0)
    return Recipe(b"iovl", payload, [2], claimed)


def heic(tile: Size, *recipes: Recipe) -> bytes:
    """A file with these items, the first of which is its picture, and a red tile."""
    configuration, coded = _coded(tile)
    last = len(recipes) + 1
    kinds = [recipe.kind for recipe in recipes] + [b"hvc1"]
    entries = b"".join(
        _full(b"infe", 2, struct.pack(">HH", number, 0) + kind + b"\0")
        for number, kind in enumerate(kinds, 1)
    )
    names = b"".join(
        _box(b"dimg", struct.pack(f">HH{len(r.parts)}H", number, len(r.parts), *r.parts))
        for number, r in enumerate(recipes, 1)
    )
    sizes = [
        _full(b"ispe", 0, struct.pack(">II", *size)) for size in (*(r.size for r in recipes), tile)
    ]
    properties = [*sizes, configuration, _full(b"pixi", 0, _PIXEL_INFORMATION)]
    owners = [struct.pack(">HBBB", n, 2, n, last + 2) for n in range(1, last)]
    owners.append(struct.pack(">HBBBB", last, 3, 0x80 | (last + 1), last, last + 2))
    owned = _full(b"ipma", 0, struct.pack(">I", last) + b"".join(owners))
    payloads = b"".join(recipe.payload for recipe in recipes)

    def meta(start: int) -> bytes:
        places, offset = [], 0
        for number, recipe in enumerate(recipes, 1):
            places.append(struct.pack(">HHHHII", number, 1, 0, 1, offset, len(recipe.payload)))
            offset += len(recipe.payload)
        places.append(struct.pack(">HHHHII", last, 0, 0, 1, start, len(coded)))
        located = _full(b"iloc", 1, b"\x44\0" + struct.pack(">H", last) + b"".join(places))
        parts = [
            _full(b"hdlr", 0, b"\0\0\0\0pict" + bytes(13)),
            _full(b"pitm", 0, struct.pack(">H", 1)),
            located,
            _full(b"iinf", 0, struct.pack(">H", last) + entries),
            _full(b"iref", 0, names),
            _box(b"iprp", _box(b"ipco", b"".join(properties)) + owned),
            _box(b"idat", payloads),
        ]
        return _full(b"meta", 0, b"".join(parts))

    head = _box(b"ftyp", b"heic\0\0\0\0mif1heic")
    return head + meta(len(head) + len(meta(0)) + 8) + _box(b"mdat", coded)


def _coded(size: Size) -> tuple[bytes, bytes]:
    """The decoder's configuration, and the pixels, of a file that an encoder made."""
    file = io.BytesIO()
    pillow_heif.from_pillow(Image.new("RGB", size, "red")).save(file)
    data = file.getvalue()
    configuration = next(box for name, box in _walk(data, 0, len(data)) if name == b"hvcC")
    pixels = next(box for name, box in _walk(data, 0, len(data)) if name == b"mdat")
    return configuration, pixels[8:]


def _walk(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, bytes]]:
    while start < end:
        size, name = struct.unpack_from(">I4s", data, start)
        yield name, data[start : start + size]
        if name in (b"meta", b"iprp", b"ipco"):
            yield from _walk(data, start + (12 if name == b"meta" else 8), start + size)
        start += size


def _box(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", 8 + len(body)) + name + body


def _full(name: bytes, version: int, body: bytes) -> bytes:
    return _box(name, struct.pack(">I", version << 24) + body)
