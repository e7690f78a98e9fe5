"""Pictures that sessions come back to take no more memory than there is."""

from __future__ import annotations

import os

import pytest
from PIL import Image

from moodlens.interface import kept_pictures
from moodlens.interface.kept_pictures import ForgottenError, KeptPicture
from tests.support.picture_corpus import scene


def noise(side: int) -> Image.Image:
    return Image.frombytes("RGB", (side, side), os.urandom(3 * side * side))


def test_a_picture_is_kept_small_and_comes_back() -> None:
    picture = scene().resize((720, 480))
    kept = KeptPicture(picture)
    assert len(kept.jpeg()) < 150_000
    assert kept.open().size == (720, 480)
    assert kept.open().mode == "RGB"


def test_the_oldest_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_pictures, "_SHELF", kept_pictures._Shelf(1_000_000))
    kept = [KeptPicture(noise(300)) for _ in range(40)]
    there = [len(picture._data) for picture in kept if picture._data is not None]
    assert 0 < sum(there) <= 1_000_000
    assert len(there) < 40
    assert kept[-1].open()
    with pytest.raises(ForgottenError, match="forgotten"):
        kept[0].open()


def test_what_nobody_holds_any_more_takes_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_pictures, "_SHELF", kept_pictures._Shelf(1_000_000))
    first = KeptPicture(noise(300))
    for _ in range(40):
        KeptPicture(noise(300))
    assert first.open()
