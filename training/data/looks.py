"""How pictures look, roughly: enough to know one again after it was scaled or saved anew."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from sklearn.neighbors import NearestNeighbors
from tqdm import tqdm

from training.data.source import Indices

SMALL_SIDE = 32
"""A short side, in pixels, that is enough to know whether a picture decodes and how it looks."""

_SIDE = 16
_SIZE = 3 * _SIDE * _SIDE
_TOLERANCE = 2.5  # root mean square over channel values of 0..255
_ASPECT_TOLERANCE = 0.04
_AT_ONCE = 256

_T = TypeVar("_T")
_R = TypeVar("_R")

Look = NDArray[np.uint8]
"""[769]: 16 x 16 RGB, then the picture's shape as 64 * ln(width / height) around 128."""


def look_of(picture: Image.Image) -> Look:
    """What a picture looks like from afar."""
    small = picture.convert("RGB").resize((_SIDE, _SIDE), Image.Resampling.BOX)
    shape = 128 + 64 * np.log(picture.width / picture.height)
    return np.append(np.asarray(small).reshape(-1), np.uint8(np.clip(round(shape), 0, 255)))


def in_parallel(work: Callable[[_T], _R], items: Iterable[_T], *, total: int) -> Iterator[_R]:
    """Decode with several threads, in order, some at a time, with a progress bar."""
    waiting = iter(items)
    with (
        ThreadPoolExecutor(max_workers=4) as pool,
        tqdm(total=total, desc="checking pictures", unit="", leave=False, disable=None) as bar,
    ):
        while some := list(islice(waiting, _AT_ONCE)):
            for result in pool.map(work, some):
                bar.update()
                yield result


def alike(looks: NDArray[np.uint8]) -> Indices:
    """Number pictures so that those which look the same have the same number.

    Two pictures are the same where 16 x 16 means of their colours differ by no more than a new JPEG
    of either would, and their shapes do not differ. Found in blocks, so that memory stays small.

    Args:
        looks: [N, 769].

    Returns:
        [N] numbers from 0.
    """
    if len(looks) < 2:
        return np.zeros(len(looks), dtype=np.int64)
    points = looks[:, :_SIZE].astype(np.float32)
    search = NearestNeighbors(radius=_TOLERANCE * _SIZE**0.5, algorithm="brute").fit(points)
    pairs = [
        (i + start, j)
        for start in range(0, len(points), _AT_ONCE)
        for i, near in enumerate(
            search.radius_neighbors(points[start : start + _AT_ONCE], return_distance=False)
        )
        for j in near.tolist()
        if j > i + start and _same_shape(looks[i + start], looks[j])
    ]
    rows, columns = zip(*pairs, strict=True) if pairs else ((), ())
    graph = coo_matrix((np.ones(len(pairs)), (rows, columns)), shape=(len(looks), len(looks)))
    return connected_components(graph, directed=False)[1].astype(np.int64)


def _same_shape(a: Look, b: Look) -> bool:
    return abs(int(a[-1]) - int(b[-1])) <= 64 * _ASPECT_TOLERANCE
