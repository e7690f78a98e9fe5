"""What a person asks for, a :class:`CheckpointReference`, and what is found, a :class:`Located`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from moodlens.errors import SettingsError

Source = Literal["hub", "cache", "bundled", "local"]

BUNDLED = Path(__file__).parent.parent / "bundled"

COMMIT_ID = re.compile(r"[0-9a-f]{40}")
_NAME = r"\w(?:[\w.-]{0,94}\w)?"
_ON_THE_HUB = re.compile(rf"({_NAME}/{_NAME})(?:@(\w[\w./-]{{0,199}}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class CheckpointReference:
    """What was asked for: a revision on the Hub, a folder, or neither for the bundled checkpoint.

    Attributes:
        repository: ``owner/name`` on the Hub.
        revision: a branch, a tag or a commit id.
        folder: a folder of this machine.
    """

    repository: str | None = None
    revision: str = "main"
    folder: Path | None = None

    @classmethod
    def parse(cls, text: str) -> CheckpointReference:
        """Read ``owner/name``, ``owner/name@revision``, a folder, or nothing.

        A folder that exists is taken for one, even where its name could be on the Hub.

        Raises:
            SettingsError: it is none of these.
        """
        text = text.strip()
        if not text:
            return cls()
        if Path(text).expanduser().is_dir():
            return cls(folder=Path(text).expanduser())
        match = _ON_THE_HUB.fullmatch(text)
        if match and ".." not in text and "--" not in match[1] and not match[1].endswith(".git"):
            return cls(repository=match[1], revision=match[2] or "main")
        raise SettingsError(
            "The checkpoint must be owner/name, owner/name@revision, or a folder that exists."
        )

    @property
    def is_pinned(self) -> bool:
        """Whether the revision is a commit id, which can never come to mean anything else."""
        return COMMIT_ID.fullmatch(self.revision) is not None

    def __str__(self) -> str:
        if self.repository is None:
            return "the bundled checkpoint" if self.folder is None else "the checkpoint's folder"
        return f"{self.repository}@{self.revision[:12] if self.is_pinned else self.revision}"


@dataclass(frozen=True, slots=True)
class Located:
    """A folder that holds a checkpoint, and how it was come by.

    Attributes:
        folder: with model.safetensors and config.json.
        name: ``owner/name``, or None where the checkpoint's own name counts.
        revision: the commit id on the Hub, or None where the weights' hash counts.
        source: ``hub`` where the Hub was asked, ``cache`` where it was not or did not answer,
            ``bundled`` or ``local``.
        notice: a sentence for people, where this is not what was asked for.
    """

    folder: Path
    name: str | None
    revision: str | None
    source: Source
    notice: str | None = None


def locate_bundled(*, notice: str | None = None) -> Located:
    """The checkpoint that comes with MoodLens."""
    return Located(BUNDLED, None, None, "bundled", notice)
