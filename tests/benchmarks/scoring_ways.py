"""Other ways to answer for pictures, each in a process of its own, told how many by its input.

``forward``: the bare network as it is served, one thread, batches as the engine has them.
``decode FOLDER``: reading, decoding and cropping alone. ``loop FOLDER``: the reference's code.
"""

from __future__ import annotations

import itertools
import json
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np


def forward() -> Callable[[], int]:
    """One batch through the network."""
    import torch

    from moodlens.scoring.slots import BATCH
    from moodlens.weights.pretrained import from_pretrained

    torch.set_num_threads(1)
    predictor = from_pretrained()
    crops = {
        view: np.zeros((BATCH, view.input_size, view.input_size, 3), np.uint8)
        for view in predictor.views
    }

    def answer() -> int:
        predictor.answer_crops(crops, maps=False)
        return BATCH

    return answer


def decode(folder: str) -> Callable[[], int]:
    """One picture decoded and cropped."""
    import torch

    from moodlens.model.preprocess import cut
    from moodlens.scoring.decoding import Decoder
    from moodlens.scoring.slots import Layout, Slots, new_memory
    from moodlens.scoring.sources.listing import Sources
    from moodlens.weights.pretrained import from_pretrained

    torch.set_num_threads(1)
    predictor = from_pretrained()
    decoder = Decoder(predictor.decode_side)
    layout = Layout(2 * predictor.decode_side, 0, 1)
    slots = Slots(layout, new_memory())
    entries = itertools.cycle(Sources([folder]).entries())

    def answer() -> int:
        decoded = decoder.decode(next(entries), partial(slots.picture, 0, 0))
        for view in predictor.views:
            cut(slots.picture(0, 0, decoded.size), view)
        return 1

    return answer


def loop(folder: str) -> Callable[[], int]:
    """One picture as the reference service does it, without its server."""
    import torch
    from PIL import Image
    from torchvision import models, transforms

    network = models.resnet50(weights=None, num_classes=6).eval()
    transform = transforms.Compose(
        [
            transforms.Resize(256),
            transforms.CenterCrop(224),
            transforms.ToTensor(),
            transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
        ]
    )
    files = itertools.cycle(sorted(Path(folder).rglob("*.jpg")))

    def answer() -> int:
        picture = Image.open(next(files)).convert("RGB")
        with torch.no_grad():
            network(transform(picture).unsqueeze(0)).softmax(dim=1)[0].tolist()
        return 1

    return answer


def main() -> None:
    """Answer for as many pictures as each line of the input says."""
    ways: dict[str, Callable[..., Callable[[], int]]] = {
        "forward": forward, "decode": decode, "loop": loop,
    }  # fmt: skip
    answer = ways[sys.argv[1]](*sys.argv[2:])
    for line in sys.stdin:
        wanted = int(line)
        start, before = time.perf_counter(), time.process_time()
        while wanted > 0:
            wanted -= answer()
        seconds = time.perf_counter() - start, time.process_time() - before
        print(json.dumps(seconds), flush=True)


if __name__ == "__main__":
    main()
