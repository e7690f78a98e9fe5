import numpy as np
import pytest
import torch
from PIL import Image

from moodlens.emotions import EMOTIONS, LABELS
from moodlens.model.checkpoint import Checkpoint
from moodlens.model.network import NetworkConfig, build_network
from moodlens.model.predictor import Predictor
from moodlens.model.preprocess import centre_crop, crop_box, normalise
from moodlens.prediction import ModelInfo
from tests.support.tiny_checkpoint import CONFIG, make_network

MODEL = ModelInfo("tiny", "0", "local")
RNG = np.random.default_rng(0)
SIZES = ((90, 64), (64, 90), (500, 80), (1, 1), (3, 900))
PICTURES = [
    Image.fromarray(RNG.integers(0, 255, (height, width, 3), dtype=np.uint8))
    for width, height in SIZES
]


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return Predictor(Checkpoint(make_network(), "tiny", "", ()), MODEL)


def test_a_batch_is_answered_like_each_alone(predictor: Predictor) -> None:
    for picture, together in zip(PICTURES, predictor.predict(PICTURES), strict=True):
        (alone,) = predictor.predict([picture])
        for name in EMOTIONS:
            assert together.distribution[name] == pytest.approx(alone.distribution[name], abs=1e-5)
    assert predictor.predict([]) == []


@pytest.mark.parametrize("levels", [0, 1, 2, 3])
@pytest.mark.parametrize(("side", "size"), [(64, (2, 2)), (80, (3, 3))])
def test_maps_average_to_the_logits(levels: int, side: int, size: tuple[int, int]) -> None:
    network = make_network(levels=levels, side=side)
    predictor = Predictor(Checkpoint(network, "tiny", "", ()), MODEL)
    (explanation,) = predictor.explain(PICTURES[:1])
    assert explanation.maps is not None
    assert explanation.maps.shape == (len(LABELS), *size)
    logits = explanation.maps.mean(axis=(1, 2)) + network.emotion_head.bias.detach().numpy()
    shares = np.exp(logits) / np.exp(logits).sum()

    expected = [explanation.prediction.distribution[name] for name in EMOTIONS]
    np.testing.assert_allclose(shares[:6] / shares[:6].sum(), expected, atol=1e-5)
    assert shares[6] == pytest.approx(explanation.prediction.neutral, abs=1e-5)


def test_no_maps_where_they_would_not_be_exact() -> None:
    torch.manual_seed(0)
    network = build_network(NetworkConfig.for_backbone("vit_tiny_patch16_224"))
    predictor = Predictor(Checkpoint(network, "vit", "", ()), MODEL)
    assert predictor.explain(PICTURES[:1])[0].maps is None


def test_the_crop_is_the_middle_of_the_picture() -> None:
    picture = Image.new("RGB", (300, 100), "red")
    picture.paste("blue", (105, 5, 195, 95))
    assert crop_box(300, 100, CONFIG) == pytest.approx((105, 5, 195, 95), abs=0.5)
    crop = centre_crop(picture, CONFIG)

    assert crop.shape == (64, 64, 3)
    assert (crop[2:-2, 2:-2] == (0, 0, 255)).all()


def test_pixels_are_normalised_as_timm_does() -> None:
    batch = torch.tensor([0, 255], dtype=torch.uint8).view(1, 1, 1, 2).expand(1, 3, 2, 2)
    config = NetworkConfig("resnet18", 32, (0.4, 0.5, 0.6), (0.2, 0.25, 0.5), "bicubic", 1.0)
    expected = torch.tensor([[-2.0, 3.0], [-2.0, 2.0], [-1.2, 0.8]])

    torch.testing.assert_close(normalise(batch, config)[0, :, 0], expected)
