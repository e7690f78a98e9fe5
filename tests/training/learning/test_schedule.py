"""The learning rate over a run."""

import pytest
import torch

from training.learning.config import load_config
from training.learning.fit import _schedule

STEPS = 100


def rates(**options: object) -> list[float]:
    tune = load_config(overrides={f"finetune.{k}": v for k, v in options.items()}).finetune
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=tune.lr)
    schedule = _schedule(optimizer, tune, STEPS)
    seen = []
    for _ in range(STEPS):
        seen.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return seen


@pytest.mark.parametrize("schedule", ["one_cycle", "cosine", "constant"])
def test_every_schedule_rises_to_the_rate_within_the_warm_up(schedule: str) -> None:
    seen = rates(schedule=schedule, lr=0.5, warmup=0.1)
    assert seen[0] < 0.1
    assert max(seen) == pytest.approx(0.5, rel=0.01)
    assert seen.index(max(seen)) in range(9, 11)


@pytest.mark.parametrize(("schedule", "share"), [("one_cycle", 0), ("cosine", 0), ("constant", 1)])
def test_what_is_left_of_the_rate_at_the_end(schedule: str, share: float) -> None:
    seen = rates(schedule=schedule, lr=0.5, warmup=0.1)
    assert seen[-1] == pytest.approx(0.5 * share, abs=0.005)
