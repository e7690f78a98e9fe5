"""A network whose convolutions OpenVINO runs, for those who install it.

It computes in float32, whatever the processor: rounded to bfloat16 in every layer, as OpenVINO
would by itself where it can, single shares of real photos move by more than 0.01. On processors
without bfloat16 it is ahead of ``fused``; the figures stand in tests/benchmarks/RESULTS.md.
"""

from __future__ import annotations

import copy
import logging
import sys
import threading
import warnings
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from moodlens.model.likeness import TOLERANCE, example_pixels, feature_error
from moodlens.model.network import EmotionNetwork, FeatureMaps

logger = logging.getLogger(__name__)


def openvino_network(network: EmotionNetwork) -> EmotionNetwork | None:
    """The network in a form that OpenVINO runs; the network itself stays as it is.

    Args:
        network: in eval mode, float32, on the CPU.

    Returns:
        None where OpenVINO cannot convert the network, or would answer differently.
    """
    served = copy.deepcopy(network).to(memory_format=torch.contiguous_format)
    pixels = example_pixels(network).contiguous()
    try:
        with torch.inference_mode(False), torch.no_grad():
            served.backbone = _Backbone(served, pixels.clone())
            off = feature_error(served, network, pixels)
    except Exception as error:  # whatever a tracer, a converter and a compiler say
        logger.warning("OpenVINO cannot run the network: %s", str(error).partition("\n")[0])
        return None
    if not off <= TOLERANCE[torch.float32]:
        logger.warning("OpenVINO does not run the network: its features would be %.0e off", off)
        return None
    return served


class _Backbone(nn.Module):
    """Stands where timm's backbone stood; only its pooling is still timm's.

    Args:
        network: whose feature maps to compute.
        pixels: [1, 3, S, S], any.
    """

    def __init__(self, network: EmotionNetwork, pixels: Tensor) -> None:
        super().__init__()
        self.forward_head = network.backbone.forward_head
        self._request = _compile(_FeatureMaps(network).eval(), pixels)
        self._lock = threading.Lock()  # a request has one set of buffers

    def forward_features(self, pixels: Tensor) -> Tensor:
        """[N, C, h, w] of the last level."""
        return self._infer(pixels)[-1]

    def forward_intermediates(
        self, pixels: Tensor, *, indices: int, output_fmt: str
    ) -> tuple[Tensor, Sequence[Tensor]]:
        """The last level, and the stages before it; how many was settled with the network."""
        *stages, last = self._infer(pixels)
        return last, stages

    def _infer(self, pixels: Tensor) -> FeatureMaps:
        with self._lock:
            outputs = self._request.infer([pixels.contiguous().numpy()], share_inputs=True)
            return tuple(torch.from_numpy(level.copy()) for level in outputs.values())


class _FeatureMaps(nn.Module):
    """What is traced."""

    def __init__(self, network: EmotionNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, pixels: Tensor) -> FeatureMaps:
        return self.network.feature_maps(pixels)


def _compile(module: nn.Module, pixels: Tensor) -> Any:
    """An inference request for batches of any size.

    OpenVINO reports its use to its makers as soon as it is imported. MoodLens reports nothing to
    anybody: without the package that does so, OpenVINO keeps quiet.
    """
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    import openvino

    _, *size = pixels.shape
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch's, about its tracer
        model = openvino.convert_model(
            module, example_input=pixels, input=[openvino.PartialShape([-1, *size])]
        )
    options = {
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        "INFERENCE_PRECISION_HINT": "f32",
        "PERFORMANCE_HINT": "LATENCY",
    }
    return openvino.Core().compile_model(model, "CPU", options).create_infer_request()
