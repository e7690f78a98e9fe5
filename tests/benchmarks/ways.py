"""Every way to be faster that was thought of, each against what it replaces, in turn.

    python -m tests.benchmarks.ways

The last column is new over old: below 1 the way wins. ONNX Runtime and OpenVINO are tried where
they are installed (``pip install onnx onnxruntime openvino``); the app needs neither, and runs the
latter where ``MOODLENS_BACKEND`` says so.
"""

from __future__ import annotations

import argparse
import copy
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from io import BytesIO

import torch
from PIL import Image
from timm.layers import BatchNormAct2d
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from moodlens.model.checkpoint import load_checkpoint
from moodlens.model.fused import convolutions_with_norms, fused_network
from moodlens.model.network import EmotionNetwork, FeatureMaps
from moodlens.model.openvino_network import openvino_network
from moodlens.model.preprocess import centre_crop, crop_box, decode_side, normalise, to_pixels
from moodlens.pictures.reading import read_picture
from moodlens.weights.reference import locate_bundled
from tests.benchmarks.pictures import EXAMPLES, phone_jpeg, small_jpeg
from tests.benchmarks.timing import Work, medians

Way = tuple[str, Work, Callable[[], Work]]
"""What is tried, the old way, and what makes the new one."""

Form = Callable[[Tensor], FeatureMaps]
"""A network's feature maps, however they are computed."""


def picture_ways(network: EmotionNetwork) -> Iterator[Way]:
    """Decoding and resizing."""
    config = network.config
    side = decode_side(config)
    for size, data in (("640x480", small_jpeg()), ("12 MP", phone_jpeg())):

        def whole(data: bytes = data) -> Image.Image:
            return read_picture(data)

        def reduced(data: bytes = data) -> Image.Image:
            return read_picture(data, short_side=side)

        yield f"decode at reduced scale (draft), {size}", whole, lambda work=reduced: work
        picture = reduced()

        def resize_then_crop(picture: Image.Image = picture) -> Image.Image:
            scale = config.resize_to / min(picture.size)
            resized = picture.resize(
                (round(picture.width * scale), round(picture.height * scale)),
                Image.Resampling.BICUBIC,
            )
            left, top = ((edge - config.input_size) // 2 for edge in resized.size)
            return resized.crop((left, top, left + config.input_size, top + config.input_size))

        def one_pass(picture: Image.Image = picture) -> object:
            box = crop_box(*picture.size, config)
            sides = (config.input_size, config.input_size)
            return picture.resize(sides, Image.Resampling.BICUBIC, box=box, reducing_gap=3.0)

        def by_pytorch(picture: Image.Image = picture) -> object:
            return centre_crop(picture, config)

        yield f"resize and crop in one pass, {size}", resize_then_crop, lambda work=one_pass: work
        yield f"that pass by PyTorch, {size}", one_pass, lambda work=by_pytorch: work


def network_ways(network: EmotionNetwork, pixels: Tensor) -> Iterator[Way]:
    """The forward pass for one picture, each way against the one before it that won."""
    last = pixels.contiguous(memory_format=torch.channels_last)
    first = pixels.contiguous()
    plain = copy.deepcopy(network).to(memory_format=torch.contiguous_format)
    channels_last = copy.deepcopy(network).to(memory_format=torch.channels_last)
    folded = _fold(channels_last)
    fused = fused_network(channels_last, dtype=torch.float32).feature_maps
    mixed = fused_network(channels_last, dtype=torch.bfloat16).feature_maps
    rounded = copy.deepcopy(folded).to(torch.bfloat16)
    levels = ((last * 127.5) + 127.5).round().to(torch.uint8)

    def run(function: Callable[[Tensor], object], x: Tensor) -> Work:
        return lambda: function(x)

    old, best = run(channels_last.feature_maps, last), run(mixed, last)
    yield "channels-last", run(plain.feature_maps, first), lambda: old
    yield "batch norms folded", old, lambda: run(folded.feature_maps, last)
    yield "norm and activation in the convolution", old, lambda: run(fused, last)
    yield "bfloat16 in every layer, folded", old, lambda: run(rounded.feature_maps, last.bfloat16())
    yield "bfloat16 in all but the first layers, fused", run(fused, last), lambda: best
    yield (
        "uint8 in, scale in the first convolution",
        run(_normalised(folded), levels),
        lambda: run(_scale_folded(folded), levels),
    )
    yield "TorchScript, traced and frozen", old, lambda: run(_script(folded, last), last)
    against = ", against what serves"
    yield f"TorchScript{against}", best, lambda: run(_script(folded, last), last)
    yield f"int8 by FX{against}", best, lambda: run(_quantised(plain, first), first)
    yield f"torch.export{against}", best, lambda: run(_exported(channels_last, last), last)
    yield (
        f"torch.compile{against}",
        best,
        lambda: run(torch.compile(channels_last.feature_maps), last),
    )


def runtime_ways(network: EmotionNetwork, pixels: Tensor) -> Iterator[Way]:
    """Other libraries, for one picture and for a whole batch, against what serves instead."""
    plain = copy.deepcopy(network).to(memory_format=torch.contiguous_format)
    served = {
        "float32": fused_network(network, dtype=torch.float32).feature_maps,
        "bfloat16 but for the first layers": fused_network(
            network, dtype=torch.bfloat16
        ).feature_maps,
    }
    for size in (1, 4):
        batch = pixels.repeat(size, 1, 1, 1)
        last = batch.contiguous(memory_format=torch.channels_last)
        first = batch.contiguous()
        for form, forward in served.items():

            def old(forward: Form = forward, last: Tensor = last) -> object:
                return forward(last)

            tail = f"{size} picture{'s' * (size > 1)}, against fused {form}"
            yield f"ONNX Runtime, {tail}", old, partial(_onnx_runtime, plain, first)
            yield f"OpenVINO, {tail}", old, partial(_openvino, plain, first)
            if form != "float32":
                yield (
                    f"OpenVINO all in bfloat16, {tail}",
                    old,
                    partial(_openvino_bf16, plain, first),
                )


def batch_ways(network: EmotionNetwork, pixels: Tensor) -> Iterator[Way]:
    """Several pictures in one pass, against as many passes."""
    forward = fused_network(network).feature_maps
    for size in (2, 4, 8, 16):
        batch = pixels.repeat(size, 1, 1, 1).contiguous(memory_format=torch.channels_last)

        def one_by_one(batch: Tensor = batch) -> None:
            for row in batch.split(1):
                forward(row)

        def together(batch: Tensor = batch) -> None:
            forward(batch)

        yield f"{size} pictures in one pass", one_by_one, lambda work=together: work


def thread_ways(network: EmotionNetwork, pixels: Tensor) -> Iterator[Way]:
    """More threads for one forward pass, against one."""
    forward = fused_network(network).feature_maps
    cores = torch.get_num_threads()

    def with_threads(count: int) -> Work:
        def work() -> None:
            torch.set_num_threads(count)
            forward(pixels)
            torch.set_num_threads(cores)

        return work

    for count in (2, 4):
        yield f"{count} threads", with_threads(1), lambda count=count: with_threads(count)


def main() -> None:
    """Print one line for each way."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.ways")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument(
        "--cpu", action="store_true", help="one thread's processor time, for a busy machine"
    )
    arguments = parser.parse_args()
    if arguments.cpu:
        torch.set_num_threads(1)
    clock = time.process_time if arguments.cpu else time.perf_counter
    in_turn = partial(medians, rounds=arguments.rounds, clock=clock)
    warnings.filterwarnings("ignore")
    network = load_checkpoint(locate_bundled().folder).network.eval()
    picture = read_picture(EXAMPLES[0].read_bytes())
    pixels = to_pixels([centre_crop(picture, network.config)], network.config)
    print("| way | before, ms | after, ms | after / before |\n|---|---|---|---|")
    for ways in (
        picture_ways(network),
        network_ways(network, pixels),
        runtime_ways(network, pixels),
        batch_ways(network, pixels),
        () if arguments.cpu else thread_ways(network, pixels),
    ):
        for name, old, make_new in ways:
            try:
                with torch.inference_mode():
                    times = in_turn({"old": old, "new": make_new()})
            except Exception as error:  # not installed, or not supported here
                print(f"| {name} | | | {type(error).__name__} |", flush=True)
                continue
            before, after = times["old"], times["new"]
            print(f"| {name} | {before:.2f} | {after:.2f} | {after / before:.2f} |", flush=True)


def _fold(network: EmotionNetwork) -> EmotionNetwork:
    """Batch norms folded into the convolutions, by PyTorch's own means."""
    folded = copy.deepcopy(network)
    names = {module: name for name, module in folded.backbone.named_modules()}
    for conv, norm in list(convolutions_with_norms(folded.backbone)):
        activation = norm.act if isinstance(norm, BatchNormAct2d) else nn.Identity()
        folded.backbone.set_submodule(names[conv], fuse_conv_bn_eval(conv, norm))
        folded.backbone.set_submodule(names[norm], activation)
    return folded


def _normalised(network: EmotionNetwork) -> Callable[[Tensor], FeatureMaps]:
    return lambda levels: network.feature_maps(normalise(levels, network.config))


def _scale_folded(network: EmotionNetwork) -> Callable[[Tensor], FeatureMaps]:
    """The scale alone: with the mean in the first layer's bias, padding would no longer be 0."""
    scaled = copy.deepcopy(network)
    with torch.no_grad():
        scaled.backbone.conv_stem.weight.div_(127.5)
    return lambda levels: scaled.feature_maps(levels.to(torch.float32).sub_(127.5))


def _script(network: EmotionNetwork, pixels: Tensor) -> Callable[[Tensor], object]:
    with torch.inference_mode(False), torch.no_grad():
        return torch.jit.freeze(torch.jit.trace(copy.deepcopy(network), pixels.clone()))


def _exported(network: EmotionNetwork, pixels: Tensor) -> Callable[[Tensor], object]:
    with torch.inference_mode(False), torch.no_grad():
        return torch.export.export(network, (pixels.clone(),)).module()


def _quantised(network: EmotionNetwork, pixels: Tensor) -> Callable[[Tensor], object]:
    from torch.ao.quantization import get_default_qconfig_mapping
    from torch.ao.quantization.quantize_fx import convert_fx, prepare_fx

    with torch.inference_mode(False), torch.no_grad():
        observed = prepare_fx(
            copy.deepcopy(network.backbone), get_default_qconfig_mapping("x86"), (pixels.clone(),)
        )
        observed(pixels.clone())
        return convert_fx(observed)


def _onnx_runtime(network: EmotionNetwork, pixels: Tensor) -> Work:
    import onnxruntime

    file = BytesIO()
    with torch.inference_mode(False), torch.no_grad():
        torch.onnx.export(network, (pixels.clone(),), file, input_names=["pixels"], dynamo=False)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(file.getvalue(), options)
    inputs = {"pixels": pixels.numpy()}
    return lambda: session.run(None, inputs)


def _openvino(network: EmotionNetwork, pixels: Tensor) -> Work:
    converted = openvino_network(network)
    if converted is None:
        raise ImportError
    return lambda: converted.feature_maps(pixels)


def _openvino_bf16(network: EmotionNetwork, pixels: Tensor) -> Work:
    import openvino

    with torch.inference_mode(False), torch.no_grad():
        model = openvino.convert_model(copy.deepcopy(network), example_input=pixels.clone())
    options = {
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        "INFERENCE_PRECISION_HINT": "bf16",
        "PERFORMANCE_HINT": "LATENCY",
    }
    request = openvino.Core().compile_model(model, "CPU", options).create_infer_request()
    array = pixels.numpy()
    return lambda: request.infer([array], share_inputs=True)


if __name__ == "__main__":
    main()
