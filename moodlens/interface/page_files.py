"""Files that the page shows, under names that change with their content.

Browsers keep them for ever, and no answer of the server has to carry them again.
"""

from __future__ import annotations

import hashlib
import io
from functools import cache
from pathlib import Path

from PIL import Image
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from moodlens.serving.caching import FOR_A_DAY, FOR_EVER

EXAMPLES = Path(__file__).parent.parent / "examples"
EXAMPLE_NAMES = ("astronaut", "cat", "coffee", "hubble_deep_field", "retina", "rocket")

_FILM = Path(__file__).with_name("film")
_PREVIEW = Path(__file__).with_name("preview.jpg")
PREVIEW_ADDRESS = "/page/preview.jpg"
"""What links to the page show; it keeps its name, because others remember it."""

_THUMBNAIL = (176, 176)
_FOR_EVER = {"cache-control": FOR_EVER}
_FOR_A_DAY = {"cache-control": FOR_A_DAY}


@cache
def thumbnails() -> dict[str, tuple[str, bytes]]:
    """For each example its address, relative to the page, and a small WebP."""
    made = {}
    for name in EXAMPLE_NAMES:
        with Image.open(EXAMPLES / f"{name}.jpg") as photo:
            photo.thumbnail(_THUMBNAIL)
            file = io.BytesIO()
            photo.convert("RGB").save(file, "WEBP", quality=72, method=6)
        data = file.getvalue()
        digest = hashlib.sha256(data).hexdigest()[:10]
        made[name] = (f"page/{name}-{digest}.webp", data)
    return made


@cache
def _film_scripts() -> dict[str, bytes]:
    """The modules by their addresses: one folder for all, so that they find each other."""
    files = {file.name: file.read_bytes() for file in sorted(_FILM.glob("*.js"))}
    digest = hashlib.sha256(b"".join(files.values())).hexdigest()[:10]
    return {f"page/film-{digest}/{name}": data for name, data in files.items()}


def film_address() -> str:
    """The module that makes ``film_part`` work, relative to the page."""
    return next(address for address in _film_scripts() if address.endswith("/film.js"))


def page_routes() -> list[Route]:
    """The routes to hand to ``Blocks.launch`` beside those of the API."""
    files = {f"/{address}": (data, "image/webp") for address, data in thumbnails().values()}
    files |= {f"/{name}": (data, "text/javascript") for name, data in _film_scripts().items()}

    def serve(request: Request) -> Response:
        path = f"/page/{request.path_params['name']}"
        if path == PREVIEW_ADDRESS:
            return Response(_PREVIEW.read_bytes(), media_type="image/jpeg", headers=_FOR_A_DAY)
        if path in files:
            data, kind = files[path]
            return Response(data, media_type=kind, headers=_FOR_EVER)
        return Response(status_code=404)

    return [Route("/page/{name:path}", serve)]
