"""The guide's blocks, run in their order in one folder."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import moodlens
from tests.support.pictures_folder import small_jpeg
from tests.support.running_app import REPOSITORY

GUIDE = REPOSITORY / "moodlens/scoring/README.md"
EXAMPLES = Path(moodlens.__file__).parent / "examples"


def test_every_block_runs(tmp_path: Path, tiny: Path) -> None:
    pytest.importorskip("plotly")
    (tmp_path / "pictures").mkdir()
    shutil.copy(EXAMPLES / "cat.jpg", tmp_path / "pictures")
    for number in range(5):
        (tmp_path / f"pictures/{number}.jpg").write_bytes(small_jpeg(number))
    blocks = re.findall(r"```(sh|python)\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.S)
    assert [kind for kind, _ in blocks].count("sh") == 2
    environ = {
        **os.environ,
        "PYTHONPATH": str(REPOSITORY),
        "MOODLENS_CHECKPOINT": str(tiny),
    }
    code: list[str] = []
    for kind, text in blocks:
        if kind == "python":
            code.append(text)
            continue
        if code:
            _python("".join(code), tmp_path, environ)
            code = []
        command = text.strip().replace("moodlens ", "-m moodlens ", 1).split()
        subprocess.run([sys.executable, *command], cwd=tmp_path, env=environ, check=True)
    _python("".join(code).replace("from_pretrained()", f"from_pretrained({str(tiny)!r})"),
            tmp_path, environ)  # fmt: skip

    assert (tmp_path / "scores.csv").is_file()
    assert (tmp_path / "disputed.html").is_file()
    assert (tmp_path / "report.html").is_file()


def _python(code: str, folder: Path, environ: dict[str, str]) -> None:
    subprocess.run([sys.executable, "-c", code], cwd=folder, env=environ, check=True)
