"""The tab that watches the camera: a prediction every half second, for a minute at most.

All of it runs in the browser, against ``POST /predict`` of this very process. The next frame leaves
only after the last answer came, so that it never queues behind itself; and no frame touches a disk.
"""

from __future__ import annotations

from pathlib import Path

from moodlens.interface.own_parts import static_part

_SCRIPT = Path(__file__).with_name("live.js")


def build_live_panel() -> None:
    """Lay the tab out; its script does the rest."""
    static_part("part.live", elem_id="live", js_on_load=_SCRIPT.read_text(encoding="utf-8"))
