"""Which files of the repository a Space needs: those of the app, and what its README shows."""

from __future__ import annotations

import re
from pathlib import Path

README = "README.md"

_OWN = ("app.py", "requirements.txt", README, "LICENSE")
_PACKAGE = "moodlens"
_LEFT_HERE = ("tests/", "training/", _PACKAGE + "/")
_MADE_BY_RUNNING = (".pyc", ".pyi")
_LINK = re.compile(r"""\]\(([^)#\s]+)|src="([^"]+)\"""")


def app_files(root: Path) -> list[str]:
    """Paths from the root, with slashes, in order.

    ``.gitattributes`` is not among them: the Space keeps the Hub's own, which says what is stored
    outside git there.

    Args:
        root: of the repository.
    """
    package = [path.relative_to(root) for path in (root / _PACKAGE).rglob("*") if path.is_file()]
    named = [Path(name) for name in (*_OWN, *_linked(root))]
    return sorted(
        {path.as_posix() for path in (*package, *named) if path.suffix not in _MADE_BY_RUNNING}
    )


def _linked(root: Path) -> list[str]:
    """What the README shows or links to and that is no source."""
    text = (root / README).read_text(encoding="utf-8")
    links = {link or source for link, source in _LINK.findall(text)}
    return [link for link in links if not link.startswith(_LEFT_HERE) and (root / link).is_file()]
