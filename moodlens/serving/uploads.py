"""Where uploads lie until they are forgotten: a folder of this process's own.

Gradio has a cleaner of its own, which knows of no half files and ends for good at the first path
that it cannot remove. It is not used: all that lies in the folder is deleted here, the oldest
sooner where much lies there, and nothing is left once the process ends.
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

from moodlens.errors import DiskFullError, MoodLensError, SettingsError

logger = logging.getLogger(__name__)

_PREFIX = "moodlens-"
_LOOKS_PER_LIFETIME = 20
_CROWDED = 0.75
"""Share of the room from which on the oldest files go before their time."""
_IN_USE_SECONDS = 10.0
"""A file that came so recently may be about to be asked about."""
_PAUSE_SECONDS = 0.5
"""Between two looks, however crowded it is."""


class UploadFolder:
    """A folder that Gradio is told to use, cleared of old files by a thread.

    Has to be made before Gradio is imported, which reads ``GRADIO_TEMP_DIR`` then. That variable's
    own value, else the system's, is the folder that the new one is made in: paths inside it reach
    the browser, and are to tell nothing.

    Args:
        lifetime: seconds after its last change that a file may stay.
        most: bytes of all files.

    Attributes:
        room: what those who send files here share.

    Raises:
        SettingsError: no folder can be made there.
    """

    def __init__(self, lifetime: float, most: int) -> None:
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
        self.room = DiskRoom(most)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="moodlens-uploads", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Delete everything."""
        self._closing.set()
        self.room.crowded.set()
        self._thread.join()
        shutil.rmtree(self.path, ignore_errors=True)

    def _run(self) -> None:
        remains = Remains(self.path, self._lifetime)
        every = self._lifetime / _LOOKS_PER_LIFETIME
        while not self._closing.wait(min(every, _PAUSE_SECONDS)):
            self.room.crowded.wait(every)
            self.room.crowded.clear()
            try:
                self.room.look(remains)
            except Exception:
                logger.exception("looking for old uploads failed")


class DiskRoom:
    """Bytes that may lie in the folder, those on their way included.

    Args:
        most: bytes.

    Attributes:
        crowded: set where it is time to look what can go.
    """

    def __init__(self, most: int) -> None:
        self.crowded = threading.Event()
        self._most = most
        self._there = self._came = self._under_way = 0

    def take(self, count: int) -> bool:
        """Whether there was room for so many more."""
        wanted = self._there + self._came + self._under_way + count
        if wanted > _CROWDED * self._most:
            self.crowded.set()
        if wanted > self._most:
            return False
        self._under_way += count
        return True

    def give_back(self, count: int) -> None:
        """What came lies on the disk now; a look will tell how much of it."""
        self._under_way -= count
        self._came += count

    def refusal(self) -> MoodLensError:
        return DiskFullError()

    def look(self, remains: Remains) -> None:
        """Delete what is old, and the oldest where there is much, and see how much is left.

        A file that is written or moved meanwhile may be missed. So what is under way stays
        counted, and so does what ends meanwhile, until the next look: it may count twice.
        """
        self._came = 0
        self._there = remains.look(round(_CROWDED * self._most))


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

    def look(self, comfortable: int) -> int:
        """Delete what has not changed for the lifetime, counted from when it was first seen.

        Args:
            comfortable: bytes; beyond them the oldest files go too, but for those just come.

        Returns:
            The bytes that are left.
        """
        now = time.monotonic()
        files_left: list[tuple[float, int, Path]] = []
        seen: dict[Path, tuple[int, float]] = {}
        for current, folders, files in os.walk(self._folder, topdown=False):
            for names, remove in ((files, Path.unlink), (folders, Path.rmdir)):
                for path in (Path(current, name) for name in names):
                    with suppress(OSError):  # it is gone already, or a folder that is not empty
                        status = path.lstat()
                        changed = status.st_ctime_ns
                        before = self._unchanged.get(path)
                        since = before[1] if before and before[0] == changed else now
                        seen[path] = changed, since
                        if now - since > self._lifetime:
                            remove(path)
                        elif remove is Path.unlink:
                            files_left.append((since, status.st_size, path))
        self._unchanged = seen
        return _thin_out(files_left, comfortable, before=now - _IN_USE_SECONDS)


def _thin_out(files: list[tuple[float, int, Path]], most: int, *, before: float) -> int:
    """Delete the oldest files of more than so many bytes; how many bytes are left."""
    left = sum(size for _, size, _ in files)
    for since, size, path in sorted(files):
        if left <= most or since > before:
            break
        path.unlink(missing_ok=True)
        left -= size
    return left


def _remove_abandoned(parent: Path) -> None:
    """Delete what processes left behind that were killed."""
    for folder in parent.glob(f"{_PREFIX}*-*"):
        owner = folder.name.removeprefix(_PREFIX).split("-")[0]
        if owner.isdigit() and not Path(f"/proc/{owner}").exists() and Path("/proc/self").exists():
            shutil.rmtree(folder, ignore_errors=True)
