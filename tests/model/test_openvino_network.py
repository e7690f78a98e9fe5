from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import moodlens
from moodlens.emotions import EMOTIONS
from moodlens.errors import SettingsError
from moodlens.model import openvino_network as module
from moodlens.model.backends import parse_backend
from moodlens.model.checkpoint import Checkpoint, load_checkpoint
from moodlens.model.network import NetworkConfig, build_network
from moodlens.model.openvino_network import openvino_network
from moodlens.model.predictor import Predictor
from moodlens.model.probe import probe_picture
from moodlens.pictures.reading import read_picture
from moodlens.prediction import ModelInfo
from moodlens.settings import read_settings
from moodlens.weights.pretrained import from_pretrained
from moodlens.weights.reference import locate_bundled
from tests.support.running_app import REPOSITORY, RunningApp
from tests.training.learning.test_frozen_norm import make

EXAMPLES = sorted((Path(moodlens.__file__).parent / "examples").glob("*.jpg"))
MODEL = ModelInfo("", "0", "bundled")
SAME_TO = 0.001  # in any share; ten times nearer than a form of the network has to be


def test_the_bundled_network_answers_as_its_plain_form_does() -> None:
    plain = Predictor(load_checkpoint(locate_bundled().folder), MODEL, plain=True)
    served = from_pretrained(backend="openvino")
    pictures = [read_picture(path.read_bytes()) for path in EXAMPLES] + [probe_picture()]

    together = served.explain(pictures)
    one_by_one = [served.explain([picture])[0] for picture in pictures]
    for expected, *answers in zip(plain.explain(pictures), together, one_by_one, strict=True):
        for answer in answers:
            assert expected.maps is not None
            assert answer.maps == pytest.approx(expected.maps, abs=0.01)
            for name in EMOTIONS:
                share = expected.prediction.distribution[name]
                assert answer.prediction.distribution[name] == pytest.approx(share, abs=SAME_TO)


@pytest.mark.parametrize(
    ("backbone", "levels"), [("tf_efficientnet_lite0", 2), ("resnet18", 0), ("convnext_atto", 0)]
)
@torch.inference_mode()
def test_features_are_those_of_the_plain_network(backbone: str, levels: int) -> None:
    config = NetworkConfig.for_backbone(backbone, input_size=64, levels=levels)
    network = build_network(config).eval()
    network.backbone.load_state_dict(make(backbone).backbone.state_dict())
    served = openvino_network(network)
    assert served is not None
    assert not list(served.backbone.parameters())  # it has them in its own form

    for size in (1, 3):
        pixels = torch.rand(size, 3, 64, 64) * 2 - 1
        assert served.pool(served.feature_maps(pixels)) == pytest.approx(
            network.pool(network.feature_maps(pixels)), rel=1e-3, abs=1e-4
        )


def test_a_form_that_answers_differently_never_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = module._compile

    class Zeros:
        def __init__(self, request: object) -> None:
            self.request = request

        def infer(self, *arguments: object, **options: object) -> dict[int, object]:
            outputs = self.request.infer(*arguments, **options)  # type: ignore[attr-defined]
            return {i: 0 * level for i, level in enumerate(outputs.values())}

    monkeypatch.setattr(module, "_compile", lambda *arguments: Zeros(compiled(*arguments)))
    network = make("resnet18")
    assert openvino_network(network) is None
    expected, answer = (
        Predictor(Checkpoint(network, "", "", ()), MODEL, backend=backend).predict(
            [probe_picture()]
        )
        for backend in ("torch", "openvino")
    )
    assert answer == expected


def test_nobody_is_told_that_it_runs() -> None:
    """OpenVINO's own package for that is installed, and would look for its makers' address."""
    program = (
        "import socket, sys\n"
        "def refuse(*arguments): print('LOOKED UP', arguments, flush=True); raise OSError\n"
        "socket.getaddrinfo = socket.socket.connect = refuse\n"
        "from moodlens.weights.pretrained import from_pretrained\n"
        "predictor = from_pretrained(backend='openvino')\n"
        "print(type(predictor._members[0].backbone).__module__)\n"
        "print(sys.modules['openvino_telemetry'])\n"
    )
    environ = {k: v for k, v in os.environ.items() if k not in ("CI", "TF_BUILD", "JENKINS_URL")}
    ran = subprocess.run(
        [sys.executable, "-c", program],
        cwd=REPOSITORY,
        env=environ,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.split() == ["moodlens.model.openvino_network", "None"]


def test_the_app_answers_with_it(tmp_path: Path) -> None:
    data = EXAMPLES[0].read_bytes()
    expected = from_pretrained().predict([read_picture(data)])[0].distribution
    with RunningApp(tmp_path, {"MOODLENS_BACKEND": "openvino"}) as app:
        app.wait_until_ready()
        answer = app.predict(data).json()["prediction"]["probability_distribution"]
        assert "OpenVINO" not in app.log.read_text()  # which would say why it does not run
    for name in EMOTIONS:
        assert answer[name] == pytest.approx(expected[name], abs=0.01)


def test_what_is_not_installed_is_refused_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    assert parse_backend("openvino") == "openvino"
    assert read_settings({"MOODLENS_BACKEND": " OpenVINO "}).backend == "openvino"
    with pytest.raises(SettingsError, match=r"MOODLENS_BACKEND: .* one of: torch, openvino"):
        read_settings({"MOODLENS_BACKEND": "tensorrt"})

    monkeypatch.setattr("moodlens.model.backends.find_spec", lambda name: None)
    assert read_settings({}).backend == "torch"
    with pytest.raises(SettingsError, match="pip install 'openvino"):
        read_settings({"MOODLENS_BACKEND": "openvino"})
