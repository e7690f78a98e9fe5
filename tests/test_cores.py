from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from moodlens.cores import SharedCores


@pytest.fixture(autouse=True)
def threads_as_before() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(("threads", "second"), [(1, 1), (2, 1), (4, 2)])
def test_batches_at_the_same_time_share_the_threads(threads: int, second: int) -> None:
    cores = SharedCores(threads)

    def alone() -> tuple[int, int]:
        with cores.share() as share:
            return share, torch.get_num_threads()

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(alone).result() == (threads, threads)
        with cores.share():
            assert pool.submit(alone).result() == (second, second)
        assert pool.submit(alone).result() == (threads, threads)


def test_a_batch_that_fails_gives_its_share_back() -> None:
    cores = SharedCores(2)
    with pytest.raises(ValueError, match="no"), cores.share():
        raise ValueError("no")
    with cores.share() as share:
        assert share == 2
