"""The one endpoint for programs, Gradio's clients and MCP: a picture in, the published JSON out."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import gradio as gr
from gradio.blocks import BlockFunction
from gradio.state_holder import SessionState

from moodlens.errors import MissingPictureError, MoodLensError, PictureError
from moodlens.interface.page_files import EXAMPLES
from moodlens.interface.picture_input import AS_SENT, read_file
from moodlens.interface.program_types import EXAMPLE_PATH, AnswerReturned, PictureParameter
from moodlens.pictures.data_uri import is_data_uri, read_data_uri
from moodlens.serving.service import PredictionService

logger = logging.getLogger(__name__)

CONCURRENCY: dict[str, Any] = {"concurrency_limit": 16, "concurrency_id": "predict"}
"""For every event that predicts: enough at once for the service to gather batches."""

_SEND_A_PICTURE = (
    'Send a picture: an upload of this app, or a data: URI such as "data:image/jpeg;base64,...".'
)
_NO_ADDRESSES = "No addresses are fetched here: send the picture as an upload or as a data: URI."
_NO_UPLOAD = "This app has no such upload, or not any more: please upload the picture again."


class Refused(gr.Error):
    """A sentence for a program. MCP hands on the text of what is raised, which Gradio quotes."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence, print_exception=False)

    def __str__(self) -> str:
        return str(self.message)


def build_endpoint(service: PredictionService) -> None:
    """Add ``/predict`` to the Blocks being built, without anything to see on the page."""
    max_bytes = service.settings.limits.max_bytes
    picture_sent = PictureParameter(label="picture", visible=False)
    answer = AnswerReturned(label="prediction", visible=False)

    # Models that use tools are told this function's name, and this text up to Returns.
    def emotions_evoked_by_picture(
        picture: str | dict[str, Any], request: gr.Request
    ) -> dict[str, Any]:
        """Estimate which emotions a picture evokes in the people who look at it.

        It is about how viewers would feel, not about the mood of a face in the picture. The answer
        is an object; its "prediction" has "probability_distribution": the shares of viewers, 0 to
        1, who would feel mainly anger, disgust, fear, joy, sadness or surprise, summing to 1 over
        those who feel something; "neutral": the share of all viewers who would feel nothing in
        particular; "dominant_emotion" and "confidence": the largest share; "ambiguity": 0 when all
        viewers agree to 1 when anything goes; "valence", 1 unpleasant to 9 pleasant, and "arousal",
        1 calm to 9 excited, a rough figure; "certainty": the chance that most viewers would name
        the dominant emotion; "familiarity": the share of the pictures learned from that are less
        like all of them than this one: take the answer lightly below 0.05. No picture is stored. Do
        not use it to judge people.

        Args:
            picture: A data: URI, "data:image/jpeg;base64,...", or the path of an upload to this app
            request: Filled in by Gradio
        """
        try:
            with service.telemetry.request("client"):
                return service.predict(_bytes(picture, request, max_bytes)).to_json()
        except MoodLensError as error:
            raise Refused(error.message) from None

    trigger = gr.Button(visible=False)
    trigger.click(
        emotions_evoked_by_picture,
        picture_sent,
        answer,
        api_name="predict",
        queue=False,  # whoever asks by the queue still gets it; MCP and JavaScript need not
        **AS_SENT,
        **CONCURRENCY,
    )


def take_pictures_of_programs(page: gr.Blocks) -> None:
    """Let the endpoint take texts too, which stay in memory, before Gradio looks for files."""
    keep = page.preprocess_data

    async def take(
        block_fn: BlockFunction,
        inputs: list[Any],
        state: SessionState | None,
        explicit_call: bool = False,
    ) -> list[Any]:
        if not any(isinstance(block, PictureParameter) for block in block_fn.inputs):
            return await keep(block_fn, inputs, state, explicit_call)
        picture = _as_sent(inputs)
        if isinstance(picture, str):
            return [picture]
        try:
            return await keep(block_fn, [picture], state, explicit_call)
        except (ValueError, OSError):
            raise Refused(_NO_UPLOAD) from None

    page.preprocess_data = take


def _as_sent(inputs: list[Any]) -> str | dict[str, Any]:
    """What came for the picture: an address, as a text; or the upload that it names.

    Gradio's check of an upload asks for ``meta``, so it is put there whoever left it out.
    """
    sent = inputs[0] if len(inputs) == 1 else None
    if inputs == [None]:
        raise Refused(f"Choose a picture first. {_SEND_A_PICTURE}")
    fields = sent if isinstance(sent, Mapping) else {"path": sent}
    for named in (fields.get("path"), fields.get("url")):
        if isinstance(named, str) and named:
            break
    else:
        raise Refused(_SEND_A_PICTURE)
    if is_data_uri(named) or _is_address(named):
        return named
    name = fields.get("orig_name")
    return {
        "path": named,
        "orig_name": name if isinstance(name, str) else None,
        "meta": {"_type": "gradio.FileData"},
    }


def _is_address(named: str) -> bool:
    return "://" in named[:20] or named.startswith("//") or named == EXAMPLE_PATH


def _bytes(picture: str | Mapping[str, Any], request: gr.Request, max_bytes: int) -> bytes:
    """The picture file that was sent, up to one byte more than are allowed.

    Raises:
        PictureError: there is none, or none in memory or on this disk.
    """
    if isinstance(picture, str):
        if is_data_uri(picture):
            return read_data_uri(picture, max_bytes=max_bytes)
        if not _is_own_example(picture, request):
            raise PictureError(_NO_ADDRESSES)
        return (EXAMPLES / EXAMPLE_PATH.rpartition("/")[2]).read_bytes()
    try:
        return read_file(picture["path"], max_bytes=max_bytes)
    except OSError:
        raise MissingPictureError(_NO_UPLOAD) from None


def _is_own_example(address: str, request: gr.Request) -> bool:
    """Whether ``/gradio_api/info`` shows this address to whoever asks by this name."""
    parts = urlsplit(address)
    own = {request.headers.get("host"), request.headers.get("x-forwarded-host"), ""}
    return parts.path.endswith(EXAMPLE_PATH) and parts.netloc in own
