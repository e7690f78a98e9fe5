"""The tab that watches: the camera for a minute, or a film from its start to its end.

All of it runs in the browser, against ``POST /predict`` of this very process. The next frame leaves
only after an answer came, so that nothing queues behind itself; and no frame touches a disk.
"""

from __future__ import annotations

from pathlib import Path

from moodlens.interface.own_parts import static_part
from moodlens.interface.page_files import film_address

_CAMERA = Path(__file__).with_name("live.js")
_FILM = Path(__file__).with_name("film.js")


def build_live_panel() -> None:
    """Lay the tab out; its scripts do the rest."""
    static_part("part.live", elem_id="live", js_on_load=_CAMERA.read_text(encoding="utf-8"))
    film = _FILM.read_text(encoding="utf-8").replace("{address}", film_address())
    static_part("part.film", elem_id="film", js_on_load=film)
