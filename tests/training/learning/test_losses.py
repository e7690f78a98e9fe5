import pytest
import torch
from torch.nn import functional as F

from training.learning.config import LossConfig, load_config
from training.learning.losses import affect_loss, emotion_loss, squared_emd

KL = load_config().loss
TARGET = torch.tensor([[0.1, 0.2, 0.3, 0.1, 0.05, 0.05, 0.2], [0.0, 0.0, 0.0, 0.9, 0.0, 0.1, 0.0]])
LOGITS = torch.tensor(
    [[0.3, -0.2, 1.0, 0.0, 0.4, -1.0, 0.2], [-1.0, 0.5, 0.1, 2.0, 0.3, 0.0, -0.7]]
)


def named(name: str) -> LossConfig:
    return KL.model_copy(update={"name": name})


def perfect(target: torch.Tensor) -> torch.Tensor:
    return target.clamp_min(1e-12).log()


def test_seven_is_the_divergence_of_all_shares() -> None:
    expected = F.kl_div(LOGITS.log_softmax(1), TARGET, reduction="none").sum(1)
    torch.testing.assert_close(emotion_loss(LOGITS, TARGET, "seven", KL), expected)


@pytest.mark.parametrize("labels", ["seven", "six"])
@pytest.mark.parametrize("name", ["kl", "emd"])
def test_a_perfect_prediction_costs_nothing(labels: str, name: str) -> None:
    loss = emotion_loss(perfect(TARGET), TARGET, labels, named(name))  # type: ignore[arg-type]
    torch.testing.assert_close(loss, torch.zeros(2), atol=1e-5, rtol=0)


def test_seven_splits_into_neutral_and_the_weighted_six() -> None:
    """KL of seven = KL of neutral against the rest + (1 - neutral) * KL of the six."""
    six = TARGET[:, :6] / TARGET[:, :6].sum(1, keepdim=True)
    of_six = F.kl_div(LOGITS[:, :6].log_softmax(1), six, reduction="none").sum(1)
    seven = emotion_loss(LOGITS, TARGET, "seven", KL)
    both = emotion_loss(LOGITS, TARGET, "six", KL)

    torch.testing.assert_close(both - seven, TARGET[:, 6] * of_six)


def test_the_references_loss_is_its_own_formula_and_leaves_neutral_alone() -> None:
    logits = LOGITS.clone().requires_grad_(True)
    loss = emotion_loss(logits, TARGET, "reference", KL)
    expected = F.kl_div(LOGITS[:, :6].log_softmax(1), TARGET[:, :6], reduction="batchmean")
    loss.mean().backward()

    torch.testing.assert_close(loss.mean(), expected)
    assert logits.grad is not None
    assert (logits.grad[:, 6] == 0).all()


def test_cross_entropy_wants_the_top_emotion() -> None:
    better = LOGITS.clone()
    better[0, 2] += 1  # fear leads the first row
    loss, improved = (
        emotion_loss(logits, TARGET, "seven", named("cross_entropy")) for logits in (LOGITS, better)
    )
    assert improved[0] < loss[0]


def test_the_distance_knows_which_emotions_are_near() -> None:
    fear = torch.eye(6)[[2]]
    sadness, joy = (20 * torch.eye(6)[[i]] for i in (4, 3))
    assert squared_emd(sadness, fear) == pytest.approx(1, abs=1e-3)
    assert squared_emd(joy, fear) == pytest.approx(2, abs=1e-3)


def test_affect_is_measured_in_standard_deviations() -> None:
    loss = affect_loss(torch.tensor([[5.0, 5.0]]), torch.tensor([[7.0, 5.5]]), torch.tensor([2, 1]))
    assert loss.tolist() == [pytest.approx((1 + 0.25) / 2)]
