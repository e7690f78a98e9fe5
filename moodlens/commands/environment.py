"""What other people's variables mean for this app: Gradio's, and the port that a platform gives."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from moodlens.errors import SettingsError

_OPENINGS = {
    "GRADIO_SHARE": "puts the page on a public address through a tunnel of another host",
    "GRADIO_ALLOWED_PATHS": "serves files of this machine",
    "GRADIO_WATCH_DIRS": "serves the app in a mode for developing it",
    "GRADIO_VIBE_MODE": "lets visitors change the app's code",
    "GRADIO_LOCAL_DEV_MODE": "lets pages of strangers ask in a visitor's name",
}
"""Gradio obeys these even where an app does not mention them."""

_TOLD_BY_SETTINGS = ("GRADIO_SERVER_NAME", "GRADIO_SERVER_PORT")


def refuse_openings(environ: Mapping[str, str]) -> None:
    """Stop before Gradio opens what .github/SECURITY.md promises to keep shut.

    Raises:
        SettingsError: naming the variable and what it would do.
    """
    for name, effect in _OPENINGS.items():
        value = environ.get(name, "").strip()
        if value and value.lower() not in ("0", "false", "no", "off"):
            raise SettingsError(f"{name} {effect}, which MoodLens never does; please unset it.")


def give_a_home() -> None:
    """See to it that ``~`` means something; has to happen before anything imports the Hub's client.

    A container may be run as a user whom it does not know, with HOME unset. Caches would then go to
    a folder named ``~`` where the app was started.
    """
    try:
        Path.home()
    except RuntimeError:
        os.environ["HOME"] = tempfile.gettempdir()


def tell_gradio() -> None:
    """Set what Gradio reads from the environment; has to happen before anything imports it."""
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    for name in (*_OPENINGS, *_TOLD_BY_SETTINGS):  # to Gradio, "off" may count as set
        os.environ.pop(name, None)
