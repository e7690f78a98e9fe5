"""Where uploads lie until they are forgotten: a folder of this process's own.

Gradio deletes the files it knows of. What it does not know of, such as half a file whose sender
went away, is found here; and nothing is left once the process ends.
"""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

logger = logging.getLogger(__name__)

_PREFIX = "moodlens-"
_LOOKS_PER_LIFETIME = 4
_GRADIO_FIRST = 1.5
"""Lifetimes to wait here: Gradio only forgets the files that it could delete itself."""


class UploadFolder:
    """A folder that Gradio is told to use, cleared of old files by a thread.

    Has to be made before Gradio is imported, which reads ``GRADIO_TEMP_DIR`` then. That variable's
    own value, else the system's, is the folder that the new one is made in: paths inside it reach
    the browser, and are to tell nothing.

    Args:
        lifetime: seconds after its last change that a file may stay.
    """

    def __init__(self, lifetime: float) -> None:
        parent = Path(os.environ.get("GRADIO_TEMP_DIR") or tempfile.gettempdir())
        parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(parent)
        self.path = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=parent)).resolve()
        os.environ["GRADIO_TEMP_DIR"] = str(self.path)
        self._lifetime = lifetime
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="moodlens-uploads", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Delete everything."""
        self._closing.set()
        self._thread.join()
        shutil.rmtree(self.path, ignore_errors=True)

    def _run(self) -> None:
        while not self._closing.wait(self._lifetime / _LOOKS_PER_LIFETIME):
            try:
                remove_older(self.path, _GRADIO_FIRST * self._lifetime)
            except Exception:
                logger.exception("looking for old uploads failed")


def remove_older(folder: Path, lifetime: float) -> None:
    """Delete what lies in a folder and did not change for so many seconds.

    What seems to come from the future was there before the clock was set back.
    """
    now = time.time()
    for current, folders, files in os.walk(folder, topdown=False):
        for names, remove in ((files, Path.unlink), (folders, Path.rmdir)):
            for path in (Path(current, name) for name in names):
                with suppress(OSError):  # it is gone already, or a folder that is not empty
                    if abs(now - path.lstat().st_ctime) > lifetime:
                        remove(path)


def _remove_abandoned(parent: Path) -> None:
    """Delete what processes left behind that were killed."""
    for folder in parent.glob(f"{_PREFIX}*-*"):
        owner = folder.name.removeprefix(_PREFIX).split("-")[0]
        if owner.isdigit() and not Path(f"/proc/{owner}").exists() and Path("/proc/self").exists():
            shutil.rmtree(folder, ignore_errors=True)
