"""GET /hello, GET /healthz and POST /predict, served by the process that serves the page.

The multipart body of ``POST /predict`` is parsed as it arrives and dropped as soon as it outgrows
the limit, so that a large upload costs neither memory nor disk.
"""

from __future__ import annotations

import logging
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from python_multipart.exceptions import FormParserError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from moodlens.errors import (
    BusyError,
    MissingPictureError,
    MoodLensError,
    PictureError,
    PictureTooLargeError,
)
from moodlens.service import PredictionService

logger = logging.getLogger(__name__)

FIELD = "file"

_FORM_OVERHEAD = 64 * 1024
"""Bytes a multipart body may have beyond its picture: boundaries, headers, small fields."""


def build_router(service: PredictionService) -> APIRouter:
    """The routes to hand to ``Blocks.launch(app_kwargs={"routes": router.routes})``."""
    router = APIRouter()

    @router.get("/hello")
    async def hello() -> dict[str, str]:
        return {"message": "Hello Emotion World"}

    @router.get("/healthz")
    async def healthz() -> JSONResponse:
        return _health(service)

    @router.post("/predict")
    async def predict(request: Request) -> JSONResponse:
        try:
            data = await read_upload(request, max_bytes=service.settings.limits.max_bytes)
            prediction = await run_in_threadpool(service.predict, data)
        except MoodLensError as error:
            return error_response(error)
        except Exception:
            logger.exception("POST /predict failed")
            return error_response(MoodLensError("Something went wrong here; please try again."))
        return JSONResponse(prediction.to_json())

    return router


def error_response(error: MoodLensError) -> JSONResponse:
    """The contract's failure: a status and one sentence."""
    headers = {"Retry-After": str(error.retry_after)} if isinstance(error, BusyError) else None
    body = {"status": "error", "error": error.message}
    return JSONResponse(body, status_code=error.status, headers=headers)


async def read_upload(request: Request, *, max_bytes: int) -> bytes:
    """The bytes of the multipart field ``file``.

    Raises:
        MissingPictureError: the request has no such field.
        PictureTooLargeError: more than ``max_bytes``; the rest of the body is not read.
        PictureError: the body is not the multipart form it says it is.
    """
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise MissingPictureError(
            f"Send the picture as multipart/form-data in a field named {FIELD!r}."
        )
    too_large = PictureTooLargeError(
        f"The file is too large: at most {max_bytes / 1e6:.0f} MB are accepted."
    )
    allowed = max_bytes + _FORM_OVERHEAD
    if int(request.headers.get("content-length", "0")) > allowed:
        raise too_large

    async def bounded() -> Any:
        received = 0
        async for chunk in request.stream():
            received += len(chunk)
            if received > allowed:
                raise too_large
            yield chunk

    parser = MultiPartParser(request.headers, bounded(), max_files=1, max_fields=8)
    parser.spool_max_size = allowed  # the picture stays in memory and never touches the disk
    try:
        form: FormData = await parser.parse()
    except (MultiPartException, FormParserError, KeyError, ValueError):
        raise PictureError("The upload is not a complete multipart form.") from None
    try:
        upload = form.get(FIELD)
        if not isinstance(upload, UploadFile):
            raise MissingPictureError(f"The form has no file in a field named {FIELD!r}.")
        return await upload.read()
    finally:
        await form.close()


def _health(service: PredictionService) -> JSONResponse:
    status = service.status
    body: dict[str, Any] = {
        "status": "degraded" if status.state == "ready" and status.notice else status.state
    }
    if status.model:
        body["model"] = status.model.to_json()
    if status.notice:
        body["reason"] = status.notice
    return JSONResponse(body, status_code=200 if status.state == "ready" else 503)
