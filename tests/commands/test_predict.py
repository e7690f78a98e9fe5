"""``moodlens predict``, as a shell calls it."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

import moodlens
from moodlens.__main__ import main
from moodlens.emotions import EMOTIONS
from tests.support.tiny_checkpoint import make_checkpoint

EXAMPLES = Path(moodlens.__file__).parent / "examples"
CAT, ROCKET = str(EXAMPLES / "cat.jpg"), str(EXAMPLES / "rocket.jpg")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(make_checkpoint(tmp_path_factory.mktemp("checkpoint")))


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MOODLENS_CHECKPOINT", raising=False)


def test_text(capsys: pytest.CaptureFixture[str], checkpoint: str) -> None:
    assert main(["predict", "--checkpoint", checkpoint, CAT, ROCKET]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line.endswith(".jpg")] == [CAT, ROCKET]
    for emotion in EMOTIONS:
        assert sum(line.startswith(f"  {emotion} ") and "%" in line for line in lines) == 2


def test_json_lines(capsys: pytest.CaptureFixture[str], checkpoint: str) -> None:
    assert main(["predict", "--checkpoint", checkpoint, "--json", CAT, ROCKET]) == 0

    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [answer["file"] for answer in answers] == [CAT, ROCKET]
    for answer in answers:
        assert list(answer)[:4] == ["status", "prediction", "all_emotions", "model"]
        assert answer["model"]["name"] == "tiny"


def test_a_bad_file_does_not_stop_the_others(
    capsys: pytest.CaptureFixture[str], checkpoint: str, tmp_path: Path
) -> None:
    (tmp_path / "text.jpg").write_text("hello")
    names = ["text.jpg", "missing.jpg", ".", CAT]

    assert main(["predict", "--checkpoint", checkpoint, "--json", *names]) == 1
    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [answer["status"] for answer in answers] == ["error", "error", "error", "success"]
    assert [answer["file"] for answer in answers] == names
    assert answers[0]["error"].startswith("This file is not a picture")
    assert answers[1]["error"] == "No such file or directory."

    assert main(["predict", "--checkpoint", checkpoint, *names]) == 1
    printed = capsys.readouterr()
    assert "missing.jpg: No such file or directory.\n" in printed.err
    assert CAT in printed.out


def test_standard_input(
    capsys: pytest.CaptureFixture[str], checkpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(Path(CAT).read_bytes())))

    assert main(["predict", "--checkpoint", checkpoint, "--json", "-", CAT]) == 0
    piped, named = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert piped["prediction"] == named["prediction"]


def test_the_setting_names_the_checkpoint(
    capsys: pytest.CaptureFixture[str], checkpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOODLENS_CHECKPOINT", checkpoint)

    assert main(["predict", "--json", CAT]) == 0
    assert json.loads(capsys.readouterr().out)["model"]["name"] == "tiny"


@pytest.mark.parametrize(
    "options",
    [["--checkpoint", "no/such/place"], ["--backend", "abacus"], ["--device", "tpu"]],
    ids=str,
)
def test_unusable_options_are_one_sentence(
    capsys: pytest.CaptureFixture[str], options: list[str]
) -> None:
    assert main(["predict", *options, CAT]) == 2

    printed = capsys.readouterr()
    assert not printed.out
    assert printed.err.startswith("moodlens predict: ")
    assert printed.err.count("\n") == 1
