"""The page about a table: what it counts, what it shows, and that it asks nobody for anything."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from moodlens.__main__ import main
from moodlens.emotions import EMOTIONS
from moodlens.scoring.collection import Collection
from moodlens.scoring.formats import format_of
from moodlens.telling.table_schema import answered, complete
from tests.support.pictures_folder import small_jpeg
from tests.support.predictions import make_prediction


def row(file: str, **shares: float) -> dict[str, Any]:
    return complete({"file": file, **answered(make_prediction(certainty=0.5, **shares))})


ROWS = [
    row("a.jpg", joy=0.7),
    row("<script>alert(1)</script>.jpg", joy=0.6, fear=0.3),
    row("../outside.jpg", fear=0.8),
    complete({"file": "x", "problem": "The file is empty."}),
]


def test_a_collection_is_counted() -> None:
    collection = Collection.of(ROWS)

    assert collection.pictures == 3
    assert collection.dominant == {"joy": 2, "fear": 1}
    assert collection.problems == {"The file is empty.": 1}
    six = np.array([[r[name] for name in EMOTIONS] for r in ROWS[:3]])
    assert list(collection.means.values()) == pytest.approx(six.mean(axis=0).tolist())
    np.testing.assert_allclose(collection.correlation, np.corrcoef(six.T), atol=1e-9)
    assert collection.affect.counts.sum() == collection.doubt.counts.sum() == 3
    most = {
        ranking.column: [r["file"] for r in rows] for ranking, rows in collection.ranked.items()
    }
    assert most["joy"][0] == "a.jpg"
    assert most["familiarity"] == []


@pytest.mark.parametrize("language", ["en", "de"])
def test_the_page_is_complete_in_itself(tmp_path: Path, language: str) -> None:
    table, pictures, page = tmp_path / "t.csv", tmp_path / "p", tmp_path / "r.html"
    table.write_bytes(format_of("t.csv").part(ROWS))
    pictures.mkdir()
    for path in (pictures / "a.jpg", tmp_path / "outside.jpg"):
        path.write_bytes(small_jpeg(1))
    options = ["--out", str(page), "--pictures", str(pictures), "--language", language]

    assert main(["report", str(table), *options]) == 0
    html = page.read_text(encoding="utf-8")
    body = html[html.index("</head>") :]
    assert not re.findall(r'(?:src|href)="(?!data:)', html[: html.index("<script>")] + body)
    assert "<script>alert" not in body
    shown = re.findall(r'<img src="data:[^"]+" alt="([^"]+)"', body)
    assert set(shown) == {"a.jpg"}  # nothing outside of the folder, whatever the table says
    assert "{" not in re.sub(r"<script.*?</script>", "", body, flags=re.S)


def test_what_is_no_table_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    assert main(["report", str(tmp_path / "t.csv"), "--out", str(tmp_path / "r.html")]) == 2
    assert main(["report", str(tmp_path / "none.csv")]) == 2
    assert main(["report", "table.xlsx"]) == 2
    said = capsys.readouterr().err.splitlines()
    assert "not a table of moodlens score" in said[0]
    assert "No such file" in said[1]
    assert ".parquet, .csv or .jsonl" in said[2]
