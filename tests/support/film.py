"""Films of known scenes, so that it is known where their feelings turn."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import av
import numpy as np
from PIL import Image, ImageOps

SIZE = (320, 240)
FRAMES_A_SECOND = 10


def write_film(path: Path, scenes: Sequence[tuple[Path, float]]) -> Path:
    """A film that shows each photo for so many seconds; WebM (VP8) or MP4 by the name's ending."""
    codec = "libvpx" if path.suffix == ".webm" else "libx264"
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=FRAMES_A_SECOND)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height = SIZE
        stream.pix_fmt = "yuv420p"
        stream.bit_rate = 900_000
        for photo, seconds in scenes:
            with Image.open(photo) as picture:
                still = np.asarray(ImageOps.fit(picture.convert("RGB"), SIZE))
            for _ in range(round(seconds * FRAMES_A_SECOND)):
                container.mux(stream.encode(av.VideoFrame.from_ndarray(still, format="rgb24")))
        container.mux(stream.encode(None))
    return path
