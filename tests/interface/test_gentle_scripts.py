"""What is changed in Gradio's scripts, in those that are installed and in others."""

from __future__ import annotations

from pathlib import Path

import httpx

from moodlens.interface.gradio_parts.gentle_scripts import CHANGES, changed_scripts
from moodlens.interface.gradio_parts.gradio_scripts import ASSETS
from tests.support.running_app import RunningApp


def test_the_installed_scripts_are_changed_in_each_place() -> None:
    changed = changed_scripts(ASSETS)
    before = {name: (ASSETS / name).read_text(encoding="utf-8") for name in changed}
    for change in CHANGES:
        found = {name: match for name in before if (match := change.place.search(before[name]))}
        assert len(found) == 1, change
        for name, match in found.items():
            assert match.expand(change.words) in changed[name]


def test_a_browser_gets_what_was_changed(app: RunningApp) -> None:
    for name, script in changed_scripts(ASSETS).items():
        answer = httpx.get(f"{app.url}/assets/{name}")
        assert answer.text == script
        assert answer.headers["content-type"].startswith("text/javascript")
        assert answer.headers["content-encoding"] in {"br", "gzip"}
        assert "immutable" not in answer.headers["cache-control"]


def test_what_another_version_writes_otherwise_stays(tmp_path: Path) -> None:
    waiting = "Promise.resolve(a).then(b=>{c===d&&e(b)});"
    (tmp_path / "Blocks-once.js").write_text(f"const before=1;{waiting}")
    (tmp_path / "Blocks-twice.js").write_text(waiting * 2)
    (tmp_path / "Blocks-other.js").write_text("await component;")
    (tmp_path / "Index-other.js").write_text("await connect(Client);")
    (tmp_path / "Login-once.js").write_text(waiting)
    assert list(changed_scripts(tmp_path)) == ["Blocks-once.js"]
