"""The picture and the answer as programs know them, by ``/gradio_api/info`` and by MCP.

Gradio's own components would ask for "a local filepath or publicly available URL", show a picture
of another host as an example, and promise "any valid json".
"""

from __future__ import annotations

from typing import Any

import gradio as gr

from moodlens.emotions import EMOTIONS
from moodlens.serving.rest_schema import ANSWER

EXAMPLE_PATH = "/examples/cat.jpg"
"""Where this app gives an example picture out, and takes its address for the picture itself."""

PICTURE_DESCRIPTION = (
    "A file, uploaded to this app as handle_file does, or a data: URI such as "
    "data:image/jpeg;base64,/9j/4AAQ... Other addresses are not fetched"
)


class PictureParameter(gr.Image):
    """A picture in any form that a program may send: a file, or a text that holds or names one."""

    is_template = True  # the browser knows it as its parent
    data_model: Any = None  # it need not be an object

    def api_info(self) -> dict[str, Any]:
        """A JSON schema of what may be sent."""
        file = {
            "type": "object",
            "properties": {
                "path": {"type": "string"},
                "meta": {
                    "type": "object",
                    "properties": {"_type": {"enum": ["gradio.FileData"]}},
                },
            },
            "required": ["path"],
        }
        text = {"type": "string", "description": "A data: URI, or the path that an upload returned"}
        return {"anyOf": [text, file], "additional_description": PICTURE_DESCRIPTION}

    def example_payload(self) -> dict[str, Any]:
        """A picture of this app's own; its address begins where the app is reached."""
        return {
            "path": EXAMPLE_PATH,
            "url": EXAMPLE_PATH,
            "orig_name": EXAMPLE_PATH.rpartition("/")[2],
            "meta": {"_type": "gradio.FileData"},
        }

    def example_value(self) -> str:
        return EXAMPLE_PATH


class AnswerReturned(gr.JSON):
    """The published contract, field by field."""

    is_template = True

    def api_info(self) -> dict[str, Any]:
        """A JSON schema of the answer."""
        return {**_for_gradio(ANSWER), "description": "How viewers would feel about the picture"}


def _for_gradio(schema: Any) -> Any:
    """Without what Gradio's clients cannot write as a type of Python's or TypeScript's."""
    if not isinstance(schema, dict):
        return schema
    if schema.get("const") == list(EMOTIONS):
        return {"type": "array", "items": {"enum": list(EMOTIONS)}}
    return {
        name: {key: _for_gradio(value) for key, value in inner.items()}
        if name == "properties"
        else _for_gradio(inner)
        for name, inner in schema.items()
        if name != "additionalProperties"
    }
