"""Films through PyAV, which is FFmpeg: for processes that may die of what they read.

FFmpeg knows formats that are lists of other files and addresses, and hundreds of codecs that hardly
anybody uses. Here it gets an open file and nothing else, and only what phones, cameras and browsers
write is read.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, TypeVar

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from moodlens.errors import PictureError

SIDE = 480
"""Pixels of the shorter side of a frame, as the page sends it."""

CUT = 0.16
"""Mean difference, 0 to 1, from which two frames belong to different shots; the page has it too."""

Look = TypeVar("Look")

_FORMATS = "mov,mp4,matroska,webm,avi"
_CODECS = ("h264", "hevc", "vp8", "vp9", "av1", "libdav1d", "mpeg4", "mjpeg", "prores")
_CLOSED = {
    "format_whitelist": _FORMATS,
    "codec_whitelist": ",".join(_CODECS),
    "protocol_whitelist": "none",
    "max_streams": "32",
}
_TINY = 16, 9
_MOST_PIXELS = 8192 * 4320
_REACH = 4.0  # seconds that are decoded rather than jumped over
_ROUNDING = 0.001
_TOLERANCE = 1.0  # seconds by which a film may end before its header says


def length(path: str) -> float:
    """Seconds from the first frame of a film to its end.

    Raises:
        PictureError: it is no film, or none that can be read.
    """
    with _problems():
        walk = _Walk(path)
        try:
            return walk.length()
        finally:
            walk.close()


def frame_at(path: str, seconds: float) -> bytes:
    """The frame that a film shows at a time, upright, as a BMP of ``SIDE`` pixels at most.

    Whoever asks for one after the other decodes the film once.

    Raises:
        PictureError: there is none, or it is damaged.
    """
    file = io.BytesIO()
    _seen(path, seconds, _picture).save(file, "BMP")
    return file.getvalue()


def is_cut(path: str, before: float, seconds: float) -> bool:
    """Whether a film shows another shot at ``seconds`` than at ``before``, as the page tells them.

    What follows a moment that cannot be seen is another shot.

    Raises:
        PictureError: there is nothing to see at ``seconds``.
    """
    try:
        then = _seen(path, before, _glance)
    except PictureError:
        return True
    now = _seen(path, seconds, _glance)
    return float(np.abs(now - then).mean()) / 255 > CUT


def _seen(path: str, seconds: float, look: Callable[[av.VideoFrame], Look]) -> Look:
    """What ``look`` makes of a moment of a film; its walk is kept for the next moment."""
    key = (path, Path(path).stat().st_mtime_ns) if Path(path).is_file() else (path, 0)
    try:
        with _problems():
            walk = _walks.pop(key, None) or _Walk(path)
            found = look(walk.frame(seconds))
    except PictureError:
        _forget()
        raise
    _forget()
    _walks[key] = walk
    return found


class _Walk:
    """An open film, and how far it has been decoded.

    Args:
        path: of the film.

    Raises:
        PictureError: it is none, or one of a kind that is not read here.
    """

    def __init__(self, path: str) -> None:
        if not Path(path).is_file():
            raise PictureError("This is not a file.")
        self._file: BinaryIO = Path(path).open("rb")  # noqa: SIM115
        try:
            self._container = av.open(self._file, mode="r", options=_CLOSED)
            self._stream = _first_video(self._container)
        except BaseException:
            self._file.close()
            raise
        stream = self._stream
        self._base = float(stream.time_base or 0)
        self._start = (stream.start_time or 0) * self._base
        self._frames: Iterator[av.VideoFrame] | None = None
        self._shown: av.VideoFrame | None = None
        self._next: av.VideoFrame | None = None

    def close(self) -> None:
        self._container.close()
        self._file.close()

    def length(self) -> float:
        """Seconds, by the header, or else by the last packet."""
        if self._stream.duration:
            return float(self._stream.duration * self._base)
        if self._container.duration:
            return self._container.duration / av.time_base
        ends = [
            (packet.pts + (packet.duration or 0)) * self._base
            for packet in self._container.demux(self._stream)
            if packet.pts is not None
        ]
        return max(ends, default=0.0) - self._start

    def frame(self, seconds: float) -> av.VideoFrame:
        """The last frame that begins at this time or before."""
        now = None if self._shown is None else self._time(self._shown)
        if self._frames is None or now is None or not now <= seconds <= now + _REACH:
            self._jump(seconds)
        while self._next is not None and self._time(self._next) <= seconds + _ROUNDING:
            self._shown, self._next = self._next, self._decoded()
        if self._shown is None:
            self._shown, self._next = self._next, self._decoded()
        if self._shown is None:
            raise PictureError("This film has no picture here.")
        if self._next is None and seconds > self._time(self._shown) + _TOLERANCE:
            raise PictureError("This film ends before.")
        return self._shown

    def _jump(self, seconds: float) -> None:
        target = math.floor((seconds + self._start) / self._base) if self._base else 0
        self._container.seek(max(target, self._stream.start_time or 0), stream=self._stream)
        self._frames = self._container.decode(self._stream)
        self._shown, self._next = None, self._decoded()

    def _decoded(self) -> av.VideoFrame | None:
        return next(self._frames, None) if self._frames is not None else None

    def _time(self, frame: av.VideoFrame) -> float:
        return (frame.pts or 0) * self._base - self._start


def _first_video(container: av.container.InputContainer) -> av.VideoStream:
    streams = [s for s in container.streams.video if not s.disposition & _COVER]
    if not streams:
        raise PictureError("There is no film in this file.")
    stream = streams[0]
    codec = stream.codec_context
    if codec.name not in _CODECS:
        raise PictureError("This film is coded in a way that is not read here.")
    if codec.width * codec.height > _MOST_PIXELS:
        raise PictureError("The frames of this film are too large.")
    codec.thread_count = 1
    return stream


def _picture(frame: av.VideoFrame) -> Image.Image:
    scale = min(1.0, SIDE / min(frame.width, frame.height))
    width, height = (max(1, round(side * scale)) for side in (frame.width, frame.height))
    small = frame.reformat(width=width, height=height, format="rgb24")
    picture = Image.fromarray(small.to_ndarray())
    return picture.rotate(frame.rotation, expand=True) if frame.rotation % 360 else picture


def _glance(frame: av.VideoFrame) -> NDArray[np.int16]:
    """A frame as tiny as the page compares it, [9, 16, 3]."""
    width, height = _TINY
    return frame.reformat(width=width, height=height, format="rgb24").to_ndarray().astype(np.int16)


@contextmanager
def _problems() -> Iterator[None]:
    try:
        yield
    except (av.error.FFmpegError, OSError, ValueError, OverflowError):
        raise PictureError("This film is damaged, or of a kind that is not read here.") from None
    except MemoryError:
        raise PictureError("This film needs more memory than there is.") from None


def _forget() -> None:
    for walk in _walks.values():
        with suppress(Exception):
            walk.close()
    _walks.clear()


_COVER = 0x0400  # AV_DISPOSITION_ATTACHED_PIC: the picture on a record's sleeve
_walks: dict[tuple[str, int], _Walk] = {}
"""The film that this process walks through."""
