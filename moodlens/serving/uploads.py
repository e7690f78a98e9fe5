"""Where uploads lie until they are forgotten: a folder of this process's own.

Gradio has a cleaner of its own, which knows of no half files and ends for good at the first path
that it cannot remove. It is not used: all that lies in the folder is deleted here, and nothing is
left once the process ends.
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

from moodlens.errors import SettingsError

logger = logging.getLogger(__name__)

_PREFIX = "moodlens-"
_LOOKS_PER_LIFETIME = 20


class UploadFolder:
    """A folder that Gradio is told to use, cleared of old files by a thread.

    Has to be made before Gradio is imported, which reads ``GRADIO_TEMP_DIR`` then. That variable's
    own value, else the system's, is the folder that the new one is made in: paths inside it reach
    the browser, and are to tell nothing.

    Args:
        lifetime: seconds after its last change that a file may stay.

    Raises:
        SettingsError: no folder can be made there.
    """

    def __init__(self, lifetime: float) -> None:
        try:
            parent = Path(os.environ.get("GRADIO_TEMP_DIR") or tempfile.gettempdir())
            parent.mkdir(parents=True, exist_ok=True)
            _remove_abandoned(parent)
            made = tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=parent)
        except (OSError, ValueError):
            raise SettingsError(
                "uploads have no folder; set GRADIO_TEMP_DIR to one that can be written to."
            ) from None
        self.path = Path(made).resolve()
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
        remains = Remains(self.path, self._lifetime)
        while not self._closing.wait(self._lifetime / _LOOKS_PER_LIFETIME):
            try:
                remains.look()
            except Exception:
                logger.exception("looking for old uploads failed")


class Remains:
    """What lies in a folder, and since when by a clock that nobody can set.

    The time in a file's status is only compared with itself, to see whether the file changed: set
    the computer's clock back or forth, and nothing stays longer or goes sooner.

    Args:
        folder: whose files and folders to watch.
        lifetime: seconds after its last change that each of them may stay.
    """

    def __init__(self, folder: Path, lifetime: float) -> None:
        self._folder = folder
        self._lifetime = lifetime
        self._unchanged: dict[Path, tuple[int, float]] = {}
        """Time of the last change as the file system has it, and the moment that it was first seen
        here, in seconds of the monotonic clock."""

    def look(self) -> None:
        """Delete what has not changed for the lifetime, counted from when it was first seen."""
        now = time.monotonic()
        seen: dict[Path, tuple[int, float]] = {}
        for current, folders, files in os.walk(self._folder, topdown=False):
            for names, remove in ((files, Path.unlink), (folders, Path.rmdir)):
                for path in (Path(current, name) for name in names):
                    with suppress(OSError):  # it is gone already, or a folder that is not empty
                        changed = path.lstat().st_ctime_ns
                        before = self._unchanged.get(path)
                        since = before[1] if before and before[0] == changed else now
                        seen[path] = changed, since
                        if now - since > self._lifetime:
                            remove(path)
        self._unchanged = seen


def _remove_abandoned(parent: Path) -> None:
    """Delete what processes left behind that were killed."""
    for folder in parent.glob(f"{_PREFIX}*-*"):
        owner = folder.name.removeprefix(_PREFIX).split("-")[0]
        if owner.isdigit() and not Path(f"/proc/{owner}").exists() and Path("/proc/self").exists():
            shutil.rmtree(folder, ignore_errors=True)
