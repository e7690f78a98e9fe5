"""Learning on a graphics processor: for real where there is one, on a made-up one elsewhere."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from moodlens.model.checkpoint import load_checkpoint
from moodlens.model.network import EmotionNetwork
from moodlens.model.preprocess import normalise
from tests.support.emotion6_factory import make_emotion6
from tests.support.learned import largest_difference, weights_in
from tests.support.running_app import REPOSITORY, free_port
from training import train
from training.learning.average import WeightAverage
from training.learning.backbones import FIRST_CLASS, pretrained_network
from training.learning.config import Config, load_config
from training.learning.engine import Engine
from training.learning.fit import parameter_groups
from training.learning.frozen_norm import freeze_norms
from training.learning.frozen_views import FrozenStages
from training.learning.objective import Objective, Targets

SMALL = {"pretrained": "none", "input_size": 64, "finetune.epochs": 1}
TINY = [
    "--backbone", "test_efficientnet", "--pretrained", "none", "--threads", "1",
    "--set", "input_size=64", "--set", "heads.l2=[0.1]", "--set", "heads.affect_l2=[1.0]",
    "--epochs", "2", "--batch-size", "8",
]  # fmt: skip

gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here")
two_gpus = pytest.mark.skipif(torch.cuda.device_count() < 2, reason="there are no two CUDA devices")


def tuned(backbone: str, **more: object) -> tuple[EmotionNetwork, Config]:
    overrides = {**SMALL, "backbone": backbone, **more}
    config = load_config(overrides=overrides)
    network = pretrained_network(config)
    freeze_norms(network, freeze_depthwise=config.finetune.freeze_depthwise)
    return network, config


@pytest.mark.parametrize("backbone", ["test_efficientnet", "test_vit", "test_resnet"])
@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_a_step_keeps_every_tensor_on_the_device(backbone: str, precision: torch.dtype) -> None:
    """On a made-up CUDA device, which has shapes and places but no numbers."""
    network, config = tuned(backbone, **{"finetune.freeze_stages": 1})
    objective = Objective(network, config, np.ones(2), FrozenStages(network, 1))
    mode = FakeTensorMode()
    held = [*objective.parameters(), *objective.buffers()]
    made_up = {id(value): mode.from_tensor(value.detach()) for value in held}
    with mode:
        for module in objective.modules():
            for name, value in module.named_parameters(recurse=False):
                fake = made_up[id(value)].to("cuda")
                setattr(module, name, torch.nn.Parameter(fake, requires_grad=value.requires_grad))
            for name, _ in module.named_buffers(recurse=False):
                setattr(module, name, made_up[id(getattr(module, name))].to("cuda"))
        optimizer = torch.optim.AdamW(parameter_groups(network, config.finetune))
        average = WeightAverage(network, 0.9)
        views = torch.zeros(4, 3, 64, 64, dtype=torch.uint8, device="cuda")
        targets = Targets(
            torch.full((4, 7), 1 / 7, device="cuda"),
            torch.full((4, 2), 5.0, device="cuda"),
            torch.ones(4, device="cuda"),
        )
        with torch.autocast("cuda", precision, enabled=precision != torch.float32):
            loss = objective(normalise(views, network.config), targets, 4)
        # The way back needs a real device, since C++ asks the driver for it.
        learning = [p for p in network.parameters() if p.requires_grad]
        for parameter in learning:
            parameter.grad = torch.zeros_like(parameter)
        optimizer.step()
        average.update(network)

        assert loss.device.type == "cuda"
        assert loss.requires_grad
        assert {p.device.type for p in learning} == {"cuda"}
        assert {value.device.type for value in average.weights.values()} == {"cuda"}


def test_a_tensor_on_the_wrong_side_is_noticed() -> None:
    with FakeTensorMode(), pytest.raises(RuntimeError, match=r"device"):
        torch.ones(2, device="cuda") + torch.ones(2)


@pytest.mark.parametrize("device", ["cuda", "mps", "xpu"])
def test_a_device_that_is_not_here_is_said(
    device: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if getattr(torch, device).is_available() if device != "mps" else torch.mps.is_available():
        pytest.skip(f"there is a {device} device here")
    data = make_emotion6(tmp_path / "data", per_keyword=1)
    options = ["--data", str(data), "--out", str(tmp_path / "out"), "--device", device]
    assert train.main([*options, *TINY]) == 2
    assert f"There is no {device} device" in capsys.readouterr().err


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
def test_half_precision_needs_a_graphics_processor(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = make_emotion6(tmp_path / "data", per_keyword=1)
    options = ["--data", str(data), "--out", str(tmp_path / "out"), "--precision", "fp16"]
    assert train.main([*options, *TINY]) == 2
    assert "fp16 needs a graphics processor" in capsys.readouterr().err


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return make_emotion6(tmp_path / "data", per_keyword=4)


def learn(data: Path, out: Path, *options: str) -> None:
    where = ["--data", str(data), "--out", str(out), "--cache", str(out.parent / "cache")]
    assert train.main([*where, *TINY, *options]) == 0


@gpu
@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
@pytest.mark.parametrize("backbone", FIRST_CLASS)
def test_every_first_class_backbone_learns_on_it(
    data: Path, tmp_path: Path, backbone: str, precision: str
) -> None:
    options = ["--backbone", backbone, "--precision", precision, "--epochs", "1"]
    learn(data, tmp_path / "out", *options, "--device", "cuda")
    for value in load_checkpoint(tmp_path / "out").network.state_dict().values():
        assert value.isfinite().all()


@gpu
def test_it_learns_what_the_processor_learns(data: Path, tmp_path: Path) -> None:
    """To 1e-3: convolutions add in another order, and in TF32 where that is allowed."""
    for device in ("cpu", "cuda"):
        learn(data, tmp_path / device, "--precision", "fp32", "--device", device)
    assert largest_difference(weights_in(tmp_path / "cpu"), weights_in(tmp_path / "cuda")) < 1e-3


@two_gpus
def test_two_learn_what_one_learns(data: Path, tmp_path: Path) -> None:
    learn(data, tmp_path / "one", "--precision", "fp32", "--device", "cuda")
    launch = ["-m", "torch.distributed.run", "--nproc-per-node", "2"]
    launch += ["--master-port", str(free_port()), "-m", "training.train", "--data", str(data)]
    where = ["--out", str(tmp_path / "two"), "--cache", str(tmp_path / "cache")]
    options = [*where, *TINY, "--precision", "fp32", "--device", "cuda"]
    subprocess.run([sys.executable, *launch, *options], cwd=REPOSITORY, check=True, timeout=300)
    assert largest_difference(weights_in(tmp_path / "one"), weights_in(tmp_path / "two")) < 1e-3


def test_the_engine_says_what_it_is() -> None:
    engine = Engine.start("cpu", "bf16")
    assert engine.device.type == "cpu"
    assert engine.is_first
    assert engine.size == 1
    assert engine.part([3, 4, 5]) == [3, 4, 5]
    assert Engine.start("cpu", "fp32").accelerator.mixed_precision == "no"
