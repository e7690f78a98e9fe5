from pathlib import Path

import pytest

from moodlens.errors import SettingsError
from training.learning.backbones import pretrained_network
from training.learning.config import load_config, parse_override, read_environment


def test_every_recipe_and_first_class_backbone_is_valid() -> None:
    recipes = ("frozen", "reference", "bold", "gentle", "steady", "steadier", "resnet", "lite")
    for recipe in recipes:
        for backbone in ("tf_efficientnet_lite2", "efficientnet_b0", "resnet50", "convnext_tiny"):
            config = load_config(recipe=recipe, overrides={"backbone": backbone})
            assert config.backbone == backbone


def test_later_layers_win(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("finetune: {epochs: 3, lr: 0.5}\n", encoding="utf-8")

    assert load_config(file).finetune.epochs == 3
    assert load_config(file, recipe="bold").finetune.epochs == 8
    assert load_config(file, overrides={"finetune.epochs": 1}).finetune.epochs == 1
    assert load_config(file, recipe="frozen").finetune.lr == 0.5


def test_a_recipe_for_one_backbone_wins_over_what_that_backbone_wants_in_general() -> None:
    own, other = load_config(recipe="resnet"), {"backbone": "resnet50"}

    assert (own.backbone, own.finetune.freeze_stages) == ("resnet50", 4)
    assert load_config(recipe="steady", overrides=other).finetune.freeze_stages == 2
    assert load_config(recipe="resnet", overrides={"finetune.lr": 1.0}).finetune.lr == 1.0


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        ({"finetune.epoch": 3}, "no option finetune.epoch. Did you mean finetune.epochs"),
        ({"finetune.lr": "fast"}, "The option finetune.lr cannot be 'fast'"),
        ({"labels": "eight"}, "The option labels cannot be 'eight'"),
    ],
)
def test_what_cannot_be_is_named(overrides: dict[str, object], sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        load_config(overrides=overrides)


def test_an_unknown_recipe_lists_the_known() -> None:
    with pytest.raises(SettingsError, match="Choose from: frozen, reference, bold"):
        load_config(recipe="best")


def test_overrides_are_read_as_yaml() -> None:
    assert parse_override("heads.l2=[0.1, 1]") == ("heads.l2", [0.1, 1])
    with pytest.raises(SettingsError, match="name=value"):
        parse_override("finetune.epochs")


def test_the_config_tells_no_path() -> None:
    config = load_config(overrides={"pretrained": "/secret/place/weights.safetensors"})
    assert config.to_json()["pretrained"] == "weights.safetensors"


def test_real_variables_win_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("DATA_DIR=from-file\nCACHE_DIR=cache\nCHECKPOINT_DIR=\n", encoding="utf-8")

    assert read_environment({"DATA_DIR": "real"}, file) == {
        "DATA_DIR": "real",
        "CACHE_DIR": "cache",
    }


def test_a_network_may_see_another_square_than_timm_documents() -> None:
    overrides = {"pretrained": "none", "input_size": 72, "crop_pct": 0.95}
    network = pretrained_network(
        load_config(overrides={"backbone": "test_efficientnet", **overrides})
    )
    assert (network.config.input_size, network.config.crop_pct) == (72, 0.95)
