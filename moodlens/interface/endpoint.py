"""The one endpoint for Gradio clients: a picture in, the published JSON out."""

from __future__ import annotations

from typing import Any

import gradio as gr

from moodlens.errors import MoodLensError
from moodlens.interface.picture_input import AS_SENT, build_picture_input, read_file, sent_path
from moodlens.serving.service import PredictionService

CONCURRENCY: dict[str, Any] = {"concurrency_limit": 16, "concurrency_id": "predict"}
"""For every event that predicts: enough at once for the service to gather batches."""


def build_endpoint(service: PredictionService) -> None:
    """Add ``/predict`` to the Blocks being built, without anything to see on the page."""
    picture = build_picture_input(label="picture", visible=False)
    answer = gr.JSON(label="prediction", visible=False)

    def predict(picture: dict[str, Any] | None) -> dict[str, Any]:
        """Which emotions a picture evokes: the share of viewers for each of six."""
        try:
            with service.telemetry.request("client"):
                data = read_file(sent_path(picture), max_bytes=service.settings.limits.max_bytes)
                return service.predict(data).to_json()
        except MoodLensError as error:
            raise gr.Error(error.message, print_exception=False) from None

    trigger = gr.Button(visible=False)
    trigger.click(predict, picture, answer, api_name="predict", **AS_SENT, **CONCURRENCY)
