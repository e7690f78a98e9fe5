"""What REST takes and answers, in the words of OpenAPI 3.1."""

from __future__ import annotations

from typing import Any

from moodlens.emotions import EMOTIONS, SCALE_RANGE

FIELD = "file"
"""The multipart field of the picture."""

_SHARE = {"type": "number", "minimum": 0, "maximum": 1}
_SCALE = {"type": "number", "minimum": SCALE_RANGE[0], "maximum": SCALE_RANGE[1]}
_TEXT = {"type": "string"}


def _object(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {**required, **(optional or {})},
        "required": list(required),
        "additionalProperties": False,
    }


_MODEL = _object(
    {
        "name": _TEXT,
        "revision": _TEXT,
        "source": {"enum": ["hub", "cache", "bundled", "local"]},
    }
)
_PREDICTION = _object(
    {
        "dominant_emotion": {"enum": list(EMOTIONS)},
        "confidence": _SHARE,
        "probability_distribution": _object(dict.fromkeys(EMOTIONS, _SHARE)),
        "neutral": _SHARE,
        "ambiguity": _SHARE,
        "valence": _SCALE,
        "arousal": _SCALE,
    },
    {"certainty": _SHARE, "familiarity": _SHARE},
)
ANSWER = _object(
    {
        "status": {"const": "success"},
        "prediction": _PREDICTION,
        "all_emotions": {"const": list(EMOTIONS)},
        "model": _MODEL,
    }
)
_FAILURE = _object({"status": {"const": "error"}, "error": _TEXT})
_HEALTH = {
    "type": "object",
    "properties": {
        "status": {"enum": ["loading", "ready", "degraded", "failed"]},
        "model": _MODEL,
        "reason": _TEXT,
    },
    "required": ["status"],
}
_RETRY_AFTER = {
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}}
}


def _answer(description: str, schema: dict[str, Any], **more: Any) -> dict[str, Any]:
    content = {"application/json": {"schema": schema}}
    return {"description": description, "content": content, **more}


PREDICT_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {FIELD: {"type": "string", "format": "binary"}},
                    "required": [FIELD],
                }
            }
        },
    }
}

PREDICT_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: _answer("How viewers would feel about the picture.", ANSWER),
    400: _answer("This is no picture, or a damaged one, or no complete form.", _FAILURE),
    408: _answer("The upload took too long.", _FAILURE),
    413: _answer("The file or the picture is too large.", _FAILURE),
    415: _answer("A file of a kind that is not read.", _FAILURE),
    422: _answer("There is no file.", _FAILURE),
    500: _answer("No checkpoint can be loaded.", _FAILURE),
    503: _answer("Busy, or still waking up.", _FAILURE, headers=_RETRY_AFTER),
}

HEALTH_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: _answer("Pictures are answered.", _HEALTH),
    503: _answer("Not yet, or not at all.", _HEALTH),
}

HELLO_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: _answer("A greeting.", _object({"message": {"const": "Hello Emotion World"}})),
}
