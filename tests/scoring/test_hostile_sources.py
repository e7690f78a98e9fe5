"""A folder made to do harm goes through the whole engine: every row is there, and says why."""

from __future__ import annotations

from pathlib import Path

from moodlens.scoring.engine import Engine
from moodlens.scoring.sources.listing import Sources
from tests.support.source_corpus import make_hostile_folder


def test_every_hostile_source_has_its_rows(engine: Engine, tmp_path: Path) -> None:
    folder = tmp_path / "lake"
    folder.mkdir()
    expected = make_hostile_folder(folder)

    answers = engine.answer(enumerate(Sources([str(folder)]).entries()))
    rows = {row["file"]: row for answered in answers for row in answered.rows if row}
    assert set(rows) == set(expected)
    for name, problem in expected.items():
        said = rows[name]["problem"]
        assert said is None if problem is None else str(said).startswith(problem), (name, said)
        assert ("joy" in rows[name]) == (problem is None)
    assert [path.name for path in tmp_path.iterdir()] == ["lake"]
