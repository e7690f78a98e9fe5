"""The one endpoint for Gradio clients: a picture in, the published JSON out."""

from __future__ import annotations

from typing import Any

import gradio as gr

from moodlens.interface.picture_input import build_picture_input, read_file
from moodlens.interface.translations import errors_as_toasts
from moodlens.service import PredictionService

CONCURRENCY: dict[str, Any] = {"concurrency_limit": 16, "concurrency_id": "predict"}
"""For every event that predicts: enough at once for the service to gather batches."""


def build_endpoint(service: PredictionService) -> None:
    """Add ``/predict`` to the Blocks being built, without anything to see on the page."""
    picture = build_picture_input(label="picture", visible=False)
    answer = gr.JSON(label="prediction", visible=False)

    def predict(picture: str | None) -> dict[str, Any]:
        """Which emotions a picture evokes: the share of viewers for each of six."""
        with errors_as_toasts():
            data = read_file(picture, max_bytes=service.settings.limits.max_bytes)
            return service.predict(data).to_json()

    trigger = gr.Button(visible=False)
    trigger.click(predict, picture, answer, api_name="predict", **CONCURRENCY)
