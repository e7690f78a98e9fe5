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

EXAMPLES = Path(__file__).parent.parent / "examples"
EXAMPLE_NAMES = ("astronaut", "cat", "coffee", "hubble_deep_field", "retina", "rocket")

_PREVIEW = Path(__file__).with_name("preview.jpg")
PREVIEW_ADDRESS = "/page/preview.jpg"
"""What links to the page show; it keeps its name, because others remember it."""

_THUMBNAIL = (176, 176)
_FOR_EVER = {"cache-control": "public, max-age=31536000, immutable"}
_FOR_A_DAY = {"cache-control": "public, max-age=86400"}


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


def page_routes() -> list[Route]:
    """The routes to hand to ``Blocks.launch`` beside those of the API."""
    pictures = {f"/{address}": data for address, data in thumbnails().values()}

    def serve(request: Request) -> Response:
        path = f"/page/{request.path_params['name']}"
        if path == PREVIEW_ADDRESS:
            return Response(_PREVIEW.read_bytes(), media_type="image/jpeg", headers=_FOR_A_DAY)
        if path in pictures:
            return Response(pictures[path], media_type="image/webp", headers=_FOR_EVER)
        return Response(status_code=404)

    return [Route("/page/{name}", serve)]
