"""``data:`` addresses as programs and models write them, well and badly."""

from __future__ import annotations

import base64
from urllib.parse import quote

import pytest

from moodlens.errors import PictureError, PictureTooLargeError
from moodlens.pictures.data_uri import is_data_uri, read_data_uri

DATA = bytes(range(256)) * 4
BASE64 = base64.b64encode(DATA).decode()


@pytest.mark.parametrize(
    "text",
    [
        f"data:image/png;base64,{BASE64}",
        f"DATA:image/png;BASE64,{BASE64}",
        f"data:;base64,{BASE64}",
        f"data:image/png;charset=x; base64,{BASE64}",
        f"data:image/png;base64,{BASE64.rstrip('=')}",
        f"data:image/png;base64,{quote(BASE64)}",
        "data:image/png;base64," + "\n".join(BASE64[i : i + 76] for i in range(0, len(BASE64), 76)),
        f"data:image/png;base64,{base64.urlsafe_b64encode(DATA).decode()}",
        f"data:image/png,{quote(DATA)}",
    ],
    ids=["usual", "upper", "no kind", "more", "unpadded", "quoted", "lines", "url-safe", "percent"],
)
def test_every_way_to_write_it(text: str) -> None:
    assert is_data_uri(text)
    assert read_data_uri(text, max_bytes=len(DATA)) == DATA


@pytest.mark.parametrize(
    "text",
    [
        "data:",
        "data:image/png;base64",
        "http://example.org/,a",
        "data:;base64,$$$",
        "data:;base64,a",
    ],
)
def test_what_is_none(text: str) -> None:
    with pytest.raises(PictureError, match="data: address"):
        read_data_uri(text, max_bytes=100)


def test_the_limit_holds_before_it_is_decoded() -> None:
    with pytest.raises(PictureTooLargeError, match=r"1\.1 MB; the limit is 1 MB"):
        read_data_uri("data:;base64," + "$" * 1_400_000, max_bytes=1_000_000)
