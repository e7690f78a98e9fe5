"""What cross-validation leaves in a folder, and what somebody else left there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from moodlens.errors import SettingsError
from training.judging.folds import RESULTS, read_results

SOUND: dict[str, Any] = {
    "config": {"seed": 0},
    "pictures": 2,
    "folds": {"fold0": {"kl": 0.4}},
    "mean": {"kl": 0.4},
    "spread": {"kl": 0},
}


@pytest.mark.parametrize(
    "change",
    [
        {"config": "steady"},
        {"pictures": None},
        {"folds": ["fold0"]},
        {"folds": {"fold0": 0.4}},
        {"mean": {"kl": "0.4"}},
        {"mean": {"kl": 10**400}},
        {"spread": None},
        {"temperature": -1},
        {"temperature": "hot"},
    ],
    ids=str,
)
def test_other_results_are_refused_with_a_sentence(tmp_path: Path, change: dict[str, Any]) -> None:
    folder = tmp_path / "cv"
    folder.mkdir()
    (folder / RESULTS).write_text(json.dumps(SOUND))
    assert read_results(folder) == SOUND

    (folder / RESULTS).write_text(json.dumps(SOUND | change))
    with pytest.raises(SettingsError, match=r"results\.json in 'cv' is not one of a cross-valid"):
        read_results(folder)
