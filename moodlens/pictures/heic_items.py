"""What decoding a HEIC file takes, by the items in it.

A picture may be put together of others. Such a recipe is short: it can name the same costly tile
hundreds of times, or claim a canvas of a gigabyte. So only grids are left, as cameras write them,
each of coded tiles of one size, as many as cover it.

Sources: ISO/IEC 23008-12 6.6.2.3 (grids), ISO/IEC 14496-12 8.11 (items, references, properties).
"""

from __future__ import annotations

from collections.abc import Iterator

from moodlens.pictures.iso_media import Box, Reader, boxes, item_heads

_CODED = frozenset({b"hvc1", b"hev1"})
_GRID = b"grid"
_DECODED = _CODED | {_GRID, b"iden"}

Size = tuple[int, int]


def hide_unusual_items(data: bytes) -> bytes:
    """The same file, in which overlays, masks and whatever else is new are of no known kind.

    Raises:
        ValueError, struct.error: for a damaged file.
    """
    patched = bytearray(data)
    for meta in _metas(data):
        for position, _, kind in _items(data, meta):
            if kind not in _DECODED:
                patched[position : position + 4] = b"none"
    return bytes(patched)


def coded_heic_pixels(data: bytes) -> int:
    """The most pixels that any item claims to have.

    Raises:
        ValueError, struct.error: for a damaged file, or a grid that its tiles do not just cover.
    """
    largest = 0
    for meta in _metas(data):
        kinds: dict[int, bytes] = {}
        for _, item, kind in _items(data, meta):
            if kinds.setdefault(item, kind) != kind:
                raise ValueError("an item of two kinds")
        sizes = _sizes(data, meta)
        largest = max(largest, *(width * height for width, height in sizes.values()), 0)
        tiles = _references(data, meta, b"dimg")
        for item, head in item_heads(data, meta):
            if kinds.get(item) == _GRID:
                named = tiles.get(item, [])
                if not all(kinds.get(tile) in _CODED for tile in named):
                    raise ValueError("a grid of what is no tile")
                _check_grid(head, sizes[item], [sizes[tile] for tile in named])
    return largest


def _check_grid(recipe: bytes, size: Size, tiles: list[Size]) -> None:
    reader = Reader(recipe, 0, len(recipe))
    reader.take(1)
    side = 4 if reader.take(1) & 1 else 2
    rows, columns = reader.take(1) + 1, reader.take(1) + 1
    output = reader.take(side), reader.take(side)
    if len(tiles) != rows * columns or len(set(tiles)) != 1 or output != size:
        raise ValueError("a grid that does not fit its tiles")
    width, height = tiles[0]
    if (columns - 1) * width >= size[0] or (rows - 1) * height >= size[1]:
        raise ValueError("a grid with tiles that nobody sees")


def _metas(data: bytes) -> Iterator[Box]:
    return (box for box in boxes(data, 0, len(data)) if box.name == b"meta")


def _within(data: bytes, box: Box, name: bytes, skipped: int = 4) -> Iterator[Box]:
    """Boxes of a name right inside another."""
    return (inner for inner in boxes(data, box.body + skipped, box.end) if inner.name == name)


def _items(data: bytes, meta: Box) -> Iterator[tuple[int, int, bytes]]:
    """Each item: where its kind stands in the file, its number, its kind."""
    for table in _within(data, meta, b"iinf"):
        count = 2 if data[table.body] == 0 else 4
        for entry in _within(data, table, b"infe", 4 + count):
            reader = Reader(data, entry.body, entry.end)
            item = reader.take(2 if reader.take(4) >> 24 < 3 else 4)
            reader.take(2)
            yield reader.position, item, reader.take(4).to_bytes(4, "big")


def _references(data: bytes, meta: Box, kind: bytes) -> dict[int, list[int]]:
    """What each item refers to."""
    found: dict[int, list[int]] = {}
    for table in _within(data, meta, b"iref"):
        size = 2 if data[table.body] == 0 else 4
        for entry in _within(data, table, kind):
            reader = Reader(data, entry.body, entry.end)
            item = reader.take(size)
            found.setdefault(item, []).extend(reader.take(size) for _ in range(reader.take(2)))
    return found


def _sizes(data: bytes, meta: Box) -> dict[int, Size]:
    """Width and height of each item that claims some."""
    found: dict[int, Size] = {}
    for table in _within(data, meta, b"iprp"):
        properties: list[Box] = []
        for container in _within(data, table, b"ipco", 0):
            properties += boxes(data, container.body, container.end)
        for owners in _within(data, table, b"ipma", 0):
            reader = Reader(data, owners.body, owners.end)
            flags = reader.take(4)
            size = 1 + (flags & 1)
            for _ in range(reader.take(4)):
                item = reader.take(4 if flags >> 24 else 2)
                for _ in range(reader.take(1)):
                    index = reader.take(size) & (0x7FFF if size == 2 else 0x7F)
                    if 0 < index <= len(properties) and properties[index - 1].name == b"ispe":
                        box = properties[index - 1]
                        claim = Reader(data, box.body + 4, box.end)
                        new = claim.take(4), claim.take(4)
                        if found.setdefault(item, new) != new:
                            raise ValueError("an item of two sizes")
    return found
