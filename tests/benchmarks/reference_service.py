"""The usual way of serving a network, for MoodLens to be held against.

FastAPI and uvicorn, a ResNet-50 of torchvision with six outputs in float32, PyTorch's own number of
threads; the upload goes to a temporary file, is opened, resized, cropped and normalised as
torchvision's examples do it, one picture for each request. Its weights are random: only its time
and memory are compared.

    python -m tests.benchmarks.reference_service --port 8000 --device auto
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path
from typing import get_args

import torch
import uvicorn
from fastapi import FastAPI, UploadFile
from PIL import Image
from torchvision import models, transforms

from moodlens.emotions import EMOTIONS
from moodlens.model.backends import Device


def build_service(device: Device) -> FastAPI:
    """``GET /hello`` and ``POST /predict``, as MoodLens has them.

    Args:
        device: for the network; ``auto`` takes the graphics processor that is there.
    """
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    network = models.resnet50(weights=None, num_classes=len(EMOTIONS)).eval().to(device)
    transform = transforms.Compose(
        [
            transforms.Resize(256),
            transforms.CenterCrop(224),
            transforms.ToTensor(),
            transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
        ]
    )
    service = FastAPI()

    @service.get("/hello")
    def hello() -> dict[str, str]:
        return {"message": "Hello Emotion World"}

    @service.post("/predict")
    def predict(file: UploadFile) -> dict[str, object]:
        with tempfile.NamedTemporaryFile(suffix=".jpg", delete=False) as copy:
            shutil.copyfileobj(file.file, copy)
        try:
            picture = Image.open(copy.name).convert("RGB")
            with torch.no_grad():
                pixels = transform(picture).unsqueeze(0).to(device)
                shares = network(pixels).softmax(dim=1)[0].tolist()
        finally:
            Path(copy.name).unlink()
        dominant = max(range(len(EMOTIONS)), key=shares.__getitem__)
        return {
            "status": "success",
            "prediction": {
                "dominant_emotion": EMOTIONS[dominant],
                "confidence": shares[dominant],
                "probability_distribution": dict(zip(EMOTIONS, shares, strict=True)),
            },
            "all_emotions": list(EMOTIONS),
        }

    return service


def main() -> None:
    """Serve until the process is asked to end."""
    parser = argparse.ArgumentParser(description="Serve a ResNet-50 the usual way.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--device", choices=get_args(Device), default="auto")
    args = parser.parse_args()
    uvicorn.run(build_service(args.device), host="127.0.0.1", port=args.port, log_level="warning")


if __name__ == "__main__":
    main()
