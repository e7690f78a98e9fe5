"""All attacks on apps of their own: ``python -m tests.soak --attacks-only [--only WORD ...]``."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.soak.attack import Attack, Verdict
from tests.soak.attacks import ATTACKS, FEW_DESCRIPTORS, NARROW
from tests.support.running_app import REPOSITORY, RunningApp

_LITTLE_ROOM = {
    "MOODLENS_MAX_UPLOADS": "2",
    "MOODLENS_UPLOAD_SECONDS": "2",
    "MOODLENS_MAX_UPLOAD_MEGABYTES": "2",
    "MOODLENS_KEEP_UPLOADS_SECONDS": "4",
    "MOODLENS_MAX_STORED_MEGABYTES": "20",
}
_APP = (sys.executable, str(REPOSITORY / "app.py"))
_FEW = ("prlimit", "--nofile=1024:1024", *_APP)


@dataclass(frozen=True, slots=True)
class Siege:
    """Attacks, and the app that they are tried on."""

    attacks: Mapping[str, Attack]
    start: Callable[[Path], RunningApp]


SIEGES = (
    Siege(ATTACKS, RunningApp),
    Siege(NARROW, lambda folder: RunningApp(folder, _LITTLE_ROOM)),
    Siege(FEW_DESCRIPTORS, lambda folder: RunningApp(folder, command=_FEW)),
)


def run_attacks(only: Sequence[str] = ("",)) -> Iterator[tuple[str, Verdict]]:
    """Each attack's title and what came of it, as soon as it is known.

    Args:
        only: parts of the titles of those to run.
    """
    for siege in SIEGES:
        wanted = {
            title: attack
            for title, attack in siege.attacks.items()
            if any(part in title for part in only)
        }
        if not wanted:
            continue
        with (
            tempfile.TemporaryDirectory(prefix="moodlens-siege-") as folder,
            siege.start(Path(folder)) as app,
        ):
            app.wait_until_ready()
            for title, attack in wanted.items():
                try:
                    verdict = attack(app)
                except Exception as error:  # the app is gone, most likely
                    verdict = Verdict(False, f"{type(error).__name__}: {error}"[:100])
                yield title, verdict
