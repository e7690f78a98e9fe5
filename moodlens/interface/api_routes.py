"""``/gradio_api/info``, with lines of code that run as they are printed, and the picture they name.

Gradio's own lines name a picture of another host and a file that nobody has, read the answer where
only zsh does, and keep the address of whoever asked first.
"""

from __future__ import annotations

from typing import Any

import gradio as gr
from fastapi import APIRouter, Request
from fastapi.exception_handlers import http_exception_handler
from fastapi.responses import FileResponse, JSONResponse
from gradio.route_utils import API_PREFIX, get_root_url
from gradio_client.snippet import generate_code_snippets
from gradio_client.utils import traverse
from hf_gradio.cli import generate_cli_snippet
from starlette.exceptions import HTTPException
from starlette.responses import Response

from moodlens.errors import BusyError, MissingPictureError
from moodlens.interface.page_files import EXAMPLES
from moodlens.interface.program_types import EXAMPLE_PATH
from moodlens.serving.rest import error_response

_INFO = f"{API_PREFIX}/info"
_BY_NAMES = f"{API_PREFIX}/call/v2/"
_BUSY = BusyError("MoodLens is busy with other pictures; please try again in a few seconds.", 2)
"""What REST says too, where Gradio would say that its queue is full."""


def build_api_routes(page: gr.Blocks) -> APIRouter:
    """Routes that go before Gradio's own."""
    router = APIRouter()

    @router.get(_INFO, include_in_schema=False)
    @router.get(f"{_INFO}/", include_in_schema=False)
    def info(request: Request) -> JSONResponse:
        root = get_root_url(request, _INFO, page.root_path)
        return JSONResponse(describe(page, root))

    @router.get(EXAMPLE_PATH, include_in_schema=False)
    def example() -> FileResponse:
        return FileResponse(EXAMPLES / EXAMPLE_PATH.rpartition("/")[2])

    return router


def call_problems() -> dict[Any, Any]:
    """For ``app_kwargs["exception_handlers"]``: what Gradio raises, as the contract says it.

    Where ``call/v2`` finds no such endpoint or parameter it raises KeyError or TypeError, which are
    about the request there and nowhere else.
    """

    async def about_names(request: Request, error: Exception) -> JSONResponse:
        if not request.url.path.startswith(f"{request.scope.get('root_path', '')}{_BY_NAMES}"):
            raise error
        if isinstance(error, KeyError):
            sentence = f"There is no such endpoint; GET {_INFO} names them."
            return JSONResponse({"status": "error", "error": sentence}, status_code=404)
        sentence = f'Send {{"picture": ...}}; GET {_INFO} says what can stand there.'
        return error_response(MissingPictureError(sentence))

    async def about_http(request: Request, error: HTTPException) -> Response:
        if error.status_code == BusyError.status:
            return error_response(_BUSY)
        return await http_exception_handler(request, error)

    return {KeyError: about_names, TypeError: about_names, HTTPException: about_http}


def describe(page: gr.Blocks, root: str) -> dict[str, Any]:
    """The endpoints with their types, an example of each input, and code in four languages.

    Args:
        page: once it is launched.
        root: where it is reached, without a slash at the end.
    """
    described: dict[str, Any] = traverse(
        page.get_api_info(),
        lambda address: f"{root}{address}",
        lambda value: value == EXAMPLE_PATH,
    )
    endpoints = described["named_endpoints"]
    in_shell = generate_cli_snippet(endpoints)
    for name, endpoint in endpoints.items():
        endpoint["code_snippets"] = {
            **generate_code_snippets(
                name, endpoint, root, space_id=page.space_id, api_prefix=f"{API_PREFIX}/"
            ),
            "bash": _with_curl(name, endpoint, root),
            "cli": in_shell[name].replace("{space_id}", page.space_id or root),
        }
    return described


def _with_curl(name: str, endpoint: dict[str, Any], root: str) -> str:
    """Upload, ask, and listen for the answer, in any shell."""
    api = f"{root}{API_PREFIX}"
    (parameter,) = (parameter["parameter_name"] for parameter in endpoint["parameters"])
    return f"""curl -s -o photo.jpg {root}{EXAMPLE_PATH}  # or take a picture of yours

FILE_PATH=$(curl -s -F files=@photo.jpg {api}/upload | tr -d '[]"')

EVENT_ID=$(curl -s -H 'Content-Type: application/json' \\
  -d '{{"{parameter}": {{"path": "'"$FILE_PATH"'", "meta": {{"_type": "gradio.FileData"}}}}}}' \\
  {api}/call/v2{name} | awk -F'"' '{{ print $4 }}')

curl -sN {api}/call{name}/$EVENT_ID"""
