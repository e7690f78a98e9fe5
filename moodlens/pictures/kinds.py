"""What kind of file some bytes are. Names and declared types are never asked."""

from __future__ import annotations

ACCEPTED = ("JPEG", "PNG", "WebP", "GIF", "BMP", "TIFF", "AVIF", "HEIC")
"""The kinds of picture that MoodLens reads."""

_SIGNATURES = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),  # BigTIFF
    (b"MM\0+", "TIFF"),
)
_BMP_HEADER_SIZES = (12, 40, 52, 56, 64, 108, 124)
_AVIF_BRANDS = {b"avif", b"avis"}
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"}
_HEIC_BRANDS |= {b"mif1", b"msf1"}  # which leave the codec open; AVIF names its own brand besides
_RAW_BRAND = b"crx "

_OTHER_SIGNATURES = (
    (b"%PDF-", "a PDF"),
    (b"%!PS", "a PostScript file"),
    (b"PK\x03\x04", "a zip archive"),
    (b"PK\x05\x06", "a zip archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ\0", "an xz archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"8BPS", "a Photoshop document"),
    (b"gimp xcf", "a GIMP document"),
    (b"\0\0\1\0", "a Windows icon"),
    (b"\0\0\2\0", "a Windows cursor"),
    (b"\xff\x0a", "a JPEG XL picture"),
    (b"\0\0\0\x0cJXL \r\n\x87\n", "a JPEG XL picture"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "a JPEG 2000 picture"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 picture"),
    (b"II\xbc", "a JPEG XR picture"),
    (b"IIU\0", "a camera's raw picture"),
    (b"FUJIFILMCCD-RAW", "a camera's raw picture"),
    (b"v/1\x01", "an OpenEXR picture"),
    (b"#?RADIANCE", "a Radiance picture"),
    (b"DDS ", "a DirectDraw texture"),
    (b"qoif", "a QOI picture"),
    (b"\x1a\x45\xdf\xa3", "a video"),
    (b"OggS", "a sound or video file"),
    (b"ID3", "a sound file"),
    (b"fLaC", "a sound file"),
    (b"RIFF", "a sound or video file"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (b"SQLite format 3\0", "an SQLite database"),
)


class ForeignFileError(Exception):
    """The file is of another kind; the text says which, with its article ("a PDF")."""


def picture_kind(data: bytes) -> str | None:
    """Which of ``ACCEPTED`` the bytes are, or None for bytes that tell nothing.

    Raises:
        ForeignFileError: for what is recognisably something else.
    """
    for signature, kind in _SIGNATURES:
        if data.startswith(signature):
            return kind
    if data.startswith(b"BM") and int.from_bytes(data[14:18], "little") in _BMP_HEADER_SIZES:
        return "BMP"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "WebP"
    if data[4:8] == b"ftyp":
        return _iso_media_kind(data)
    _refuse_foreign(data)
    return None


def _iso_media_kind(data: bytes) -> str:
    size = min(int.from_bytes(data[:4], "big"), 1024)
    brands = {data[i : i + 4] for i in (8, *range(16, size, 4))}
    if brands & _AVIF_BRANDS:
        return "AVIF"
    if brands & _HEIC_BRANDS:
        return "HEIC"
    if data[8:12] == _RAW_BRAND:
        raise ForeignFileError("a camera's raw picture")
    raise ForeignFileError("a sound or video file")


def _refuse_foreign(data: bytes) -> None:
    for signature, name in _OTHER_SIGNATURES:
        if data.startswith(signature):
            raise ForeignFileError(name)
    if data[:1] == b"\x80" and data[1:2] in (b"\2", b"\3", b"\4", b"\5") and data.endswith(b"."):
        raise ForeignFileError("a Python pickle")
    head = data[:4096].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if head.startswith((b"\xff\xfe<\0", b"\xfe\xff\0<")):  # UTF-16
        head = head.replace(b"\0", b"")[2:]
    if not head.startswith(b"<"):
        return
    if b"<!doctype html" in head or b"<html" in head:
        raise ForeignFileError("an HTML page")
    if b"<svg" in head or b"<!doctype svg" in head:
        raise ForeignFileError("an SVG drawing")
    if head.startswith(b"<?xml"):
        raise ForeignFileError("an XML file")
