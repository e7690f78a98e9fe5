"""``data:`` addresses -> the bytes in them (RFC 2397). Nothing is fetched, nothing stored."""

from __future__ import annotations

import base64
import binascii
import re
from urllib.parse import unquote_to_bytes

from moodlens.errors import PictureError, PictureTooLargeError

SCHEME = "data:"

_BASE64 = re.compile(r";\s*base64\s*$", re.IGNORECASE)
_TO_PLAIN_ALPHABET = str.maketrans("-_", "+/")


def is_data_uri(text: str) -> bool:
    """Whether a text says that it is such an address."""
    return text[: len(SCHEME)].lower() == SCHEME


def read_data_uri(text: str, *, max_bytes: int) -> bytes:
    """The bytes of a picture file that an address holds.

    What it says about their kind is not believed; :func:`moodlens.pictures.reading.read_picture`
    looks for itself.

    Args:
        text: base64 in either alphabet, padded or not, with or without line breaks; or percent
            encoded.
        max_bytes: of the file; more of base64 are not decoded.

    Raises:
        PictureTooLargeError: more bytes than that.
        PictureError: not such an address, or a damaged one.
    """
    head, comma, payload = text.partition(",")
    if not is_data_uri(text) or not comma:
        raise PictureError('A data: address looks like "data:image/jpeg;base64,/9j/4AAQ...".')
    if _BASE64.search(head) is None:
        return unquote_to_bytes(payload)
    if "%" in payload:
        payload = unquote_to_bytes(payload).decode("latin-1")
    plain = "".join(payload.split()).rstrip("=")
    size = len(plain) * 3 // 4
    if size > max_bytes:
        raise PictureTooLargeError(
            "The file has {size:.1f} MB; the limit is {limit:.0f} MB.",
            size=size / 1e6,
            limit=max_bytes / 1e6,
        )
    try:
        padding = "=" * (-len(plain) % 4)
        return base64.b64decode(plain.translate(_TO_PLAIN_ALPHABET) + padding, validate=True)
    except binascii.Error:
        raise PictureError("The base64 of this data: address is damaged or incomplete.") from None
