"""The app as a Space starts it: its own files and nothing else, its environment, its user.

::

    python -m tests.support.space [NAME=VALUE ...]

serves it at http://127.0.0.1:7860 until Ctrl-C, with further variables. The folder it runs in is
read-only, which is more than a Space asks of an app. Where the starter is root, the app is user
1000, as in a Space's container.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.support.running_app import REPOSITORY, RunningApp
from training.publishing.space_files import app_files

USER = 1000
OWNER, NAME = "someone", "moodlens"
ENVIRONMENT = {
    "SYSTEM": "spaces",
    "SPACE_ID": f"{OWNER}/{NAME}",
    "SPACE_AUTHOR_NAME": OWNER,
    "SPACE_REPO_NAME": NAME,
    "SPACE_HOST": f"{OWNER}-{NAME}.hf.space",
    "GRADIO_SERVER_NAME": "0.0.0.0",
    "GRADIO_NUM_PORTS": "1",
    "GRADIO_ALLOW_FLAGGING": "never",
    "GRADIO_SSR_MODE": "True",
    "GRADIO_THEME": "huggingface",
    "PYTHONUNBUFFERED": "1",
}
"""What a Gradio Space's image and its platform set; there is no HOME."""

_KEPT = ("PATH", "LANG", "TMPDIR", "HF_ENDPOINT", "HF_HUB_DISABLE_TELEMETRY", "NO_PROXY")
_AS_USER = (
    "setpriv",
    f"--reuid={USER}",
    f"--regid={USER}",
    "--clear-groups",
    # The Python that runs the tests may lie in a folder of root's: it can be read, never written.
    "--inh-caps=+dac_read_search",
    "--ambient-caps=+dac_read_search",
)


class SpaceApp(RunningApp):
    """Start with ``with``; its folder goes with the block.

    Args:
        environ: the variables and secrets that its owner has set.
        port: a free one by default.
        script: what Python is to run.
    """

    def __init__(
        self,
        environ: Mapping[str, str] | None = None,
        *,
        port: int | None = None,
        script: Sequence[str] = ("app.py",),
    ) -> None:
        self._place = Path(tempfile.mkdtemp(prefix="space-"))
        self._place.chmod(0o755)
        super().__init__(self._place / "app", command=(*user_prefix(), sys.executable, *script))
        if port is not None:
            self.port, self.url = port, f"http://127.0.0.1:{port}"
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        self.environ = {**kept, **ENVIRONMENT, "PORT": str(self.port), **(environ or {})}
        self.log = self._place / "app.log"
        _copy_read_only(self.folder)

    def stop(self) -> int:
        """End it and remove its folder."""
        try:
            return super().stop()
        finally:
            for folder in _folders(self.folder):
                folder.chmod(0o755)
            shutil.rmtree(self._place)


def user_prefix() -> tuple[str, ...]:
    """What a command has to begin with to be run as a Space's user; nothing where nobody may."""
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        return ()
    tried = subprocess.run([*_AS_USER, sys.executable, "-c", ""], capture_output=True, check=False)
    return _AS_USER if tried.returncode == 0 else ()


def _copy_read_only(folder: Path) -> None:
    for name in app_files(REPOSITORY):
        copy = folder / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(REPOSITORY / name, copy)
        copy.chmod(0o444)
    for made in _folders(folder):
        made.chmod(0o555)


def _folders(folder: Path) -> list[Path]:
    return [folder, *(path for path in folder.rglob("*") if path.is_dir())]


def main() -> None:
    """Serve until Ctrl-C, or a SIGTERM."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with SpaceApp(dict(pair.split("=", 1) for pair in sys.argv[1:]), port=7860) as space:
        print(f"Like a Space: {space.url}, in {space.folder}", flush=True)
        try:
            while True:
                time.sleep(1)
        except KeyboardInterrupt:
            print(space.log.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
