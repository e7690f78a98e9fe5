from __future__ import annotations

import pwd
from pathlib import Path

import pytest

from moodlens.commands.environment import give_a_home, refuse_openings
from moodlens.errors import SettingsError


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GRADIO_SHARE", "True"),
        ("GRADIO_ALLOWED_PATHS", "/etc"),
        ("GRADIO_WATCH_DIRS", "."),
        ("GRADIO_VIBE_MODE", "1"),
        ("GRADIO_LOCAL_DEV_MODE", "1"),
    ],
)
def test_what_would_open_a_door_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"^{name} .*please unset it.$"):
        refuse_openings({"PATH": "/bin", name: value})


def test_what_opens_nothing_is_no_reason_to_stop() -> None:
    refuse_openings({"GRADIO_SHARE": "False", "GRADIO_ALLOWED_PATHS": " ", "GRADIO_THEME": "x"})


def test_whoever_has_no_home_gets_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(user: int) -> None:
        raise KeyError(user)

    monkeypatch.setattr(pwd, "getpwuid", nobody)
    monkeypatch.delenv("HOME")
    with pytest.raises(RuntimeError):
        Path.home()
    give_a_home()
    assert Path.home().is_dir()
