import numpy as np
import torch
from PIL import Image

from moodlens.model.network import NetworkConfig
from moodlens.model.preprocess import centre_crop
from training.learning.augment import eval_preset, train_preset
from training.learning.config import load_config

CONFIG = NetworkConfig("resnet18", 32, (0.5,) * 3, (0.5,) * 3, "bicubic", 0.875)
RNG = np.random.default_rng(0)
PICTURE = Image.fromarray(RNG.integers(0, 255, (60, 80, 3), dtype=np.uint8))


def test_the_eval_preset_is_the_apps_own_crop() -> None:
    view = eval_preset(CONFIG)(PICTURE)
    mirrored = eval_preset(CONFIG, mirrored=True)(PICTURE)

    assert torch.equal(view.permute(1, 2, 0), torch.from_numpy(centre_crop(PICTURE, CONFIG).copy()))
    assert torch.equal(mirrored, view.flip(2))


def test_the_train_preset_hangs_on_the_seed_alone() -> None:
    preset = train_preset(CONFIG, load_config().augment)
    views = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        views.append(preset(PICTURE))

    assert views[0].shape == (3, 32, 32)
    assert views[0].dtype == torch.uint8
    assert torch.equal(views[0], views[1])
    assert not torch.equal(views[0], views[2])


def test_training_may_use_smaller_squares_than_the_app() -> None:
    augment = load_config(overrides={"augment.size": 24}).augment
    assert train_preset(CONFIG, augment)(PICTURE).shape == (3, 24, 24)


def test_every_option_changes_the_picture() -> None:
    still = {
        "crop_scale": (1.0, 1.0),
        "crop_ratio": (1.0, 1.0),
        "flip": 0.0,
        "brightness": 0.0,
        "contrast": 0.0,
        "saturation": 0.0,
        "hue": 0.0,
    }
    square = PICTURE.crop((0, 0, 60, 60))

    def view(**options: object) -> torch.Tensor:
        augment = load_config().augment.model_copy(update=still | options)
        torch.manual_seed(3)
        return train_preset(CONFIG, augment)(square)

    plain = view()
    for option in (
        {"flip": 1.0},
        {"brightness": 0.5},
        {"contrast": 0.5},
        {"saturation": 0.9},
        {"hue": 0.2},
        {"rotate": 45.0},
        {"erase": 1.0},
        {"crop_scale": (0.3, 0.3)},
        {"trivial": True},
    ):
        assert not torch.equal(view(**option), plain), option
