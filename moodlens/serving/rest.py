"""GET /hello, /healthz and /metrics and POST /predict, served by the process that serves the page.

``gate`` stands before them and bounds what a body may cost.
"""

from __future__ import annotations

import logging
from functools import cache
from typing import Any

from fastapi import APIRouter, Request
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4
from python_multipart.exceptions import FormParserError
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

import moodlens
from moodlens.errors import BusyError, MissingPictureError, MoodLensError, PictureError
from moodlens.serving.lane import Lane
from moodlens.serving.rest_schema import (
    FIELD,
    HEALTH_ANSWERS,
    HELLO_ANSWERS,
    PREDICT_ANSWERS,
    PREDICT_BODY,
)
from moodlens.serving.service import PredictionService

logger = logging.getLogger(__name__)

PATHS = frozenset({"/hello", "/healthz", "/metrics", "/predict", "/openapi.json"})


def build_router(service: PredictionService) -> APIRouter:
    """The routes to hand to ``Blocks.launch(app_kwargs={"routes": router.routes})``."""
    router = APIRouter()
    run = Lane(service.settings.max_queue)

    @router.get("/hello", responses=HELLO_ANSWERS)
    async def hello() -> dict[str, str]:
        return {"message": "Hello Emotion World"}

    @router.get("/healthz", responses=HEALTH_ANSWERS)
    async def healthz() -> JSONResponse:
        return _health(service)

    @router.get("/metrics", include_in_schema=False)
    async def metrics() -> Response:
        return Response(service.telemetry.exposition(), media_type=CONTENT_TYPE_PLAIN_0_0_4)

    @router.post("/predict", responses=PREDICT_ANSWERS, openapi_extra=PREDICT_BODY)
    async def predict(request: Request) -> JSONResponse:
        try:
            with service.telemetry.request("rest"):
                data = await read_upload(request, in_memory=service.settings.limits.max_bytes)
                prediction = await run(service.predict, data)
        except MoodLensError as error:
            return error_response(error)
        except Exception:
            logger.exception("POST /predict failed")
            return error_response(MoodLensError("Something went wrong here; please try again."))
        return JSONResponse(prediction.to_json())

    @cache
    def schema() -> dict[str, Any]:
        return get_openapi(title="MoodLens", version=moodlens.__version__, routes=router.routes)

    @router.get("/openapi.json", include_in_schema=False)
    async def openapi() -> JSONResponse:
        return JSONResponse(schema())

    return router


def error_response(error: MoodLensError) -> JSONResponse:
    """The contract's failure: a status and one sentence."""
    headers = {"Retry-After": str(error.retry_after)} if isinstance(error, BusyError) else None
    body = {"status": "error", "error": error.message}
    return JSONResponse(body, status_code=error.status, headers=headers)


async def read_upload(request: Request, *, in_memory: int) -> bytes:
    """The bytes of the multipart field ``file``; up to ``in_memory`` of them never touch the disk.

    Raises:
        MissingPictureError: the request has no such field.
        PictureError: the body is not the multipart form it says it is.
    """
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise MissingPictureError(
            f"Send the picture as multipart/form-data in a field named {FIELD!r}."
        )
    parser = MultiPartParser(request.headers, request.stream(), max_files=1, max_fields=8)
    parser.spool_max_size = in_memory + 1
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
    trouble = service.trouble
    if trouble is not None:
        body |= {"status": "failed", "reason": trouble}
    well = status.state == "ready" and trouble is None
    return JSONResponse(body, status_code=200 if well else 503)
