"""Once for a thing, and so often in a while."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from moodlens.serving import once
from moodlens.serving.once import Once, Rate, client_address


def test_of_many_at_once_a_single_one_is_first() -> None:
    done = Once()
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(lambda _: done.claim("answer"), range(200))) == 1
    done.undo("answer")
    assert done.claim("answer")


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(once, "_REMEMBERED", 10)
    done, rate = Once(), Rate(1, 60)
    for number in range(100):
        done.claim(number)
        rate.allows(str(number))
    assert done.claim(0)
    assert rate.allows("0")


def test_a_burst_and_then_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    rate = Rate(3, 5)
    assert [rate.allows("a") for _ in range(5)] == [True] * 3 + [False] * 2
    assert rate.allows("b")
    now += 5.1
    assert [rate.allows("a") for _ in range(2)] == [True, False]
    now += 1000
    assert [rate.allows("a") for _ in range(5)] == [True] * 3 + [False] * 2


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("10.1.2.3", "6.6.6.6, 203.0.113.7", "203.0.113.7"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("93.184.216.34", "203.0.113.7", "93.184.216.34"),
        ("", "203.0.113.7", ""),
    ],
)
def test_who_asks(peer: str, forwarded: str, client: str) -> None:
    assert client_address(peer, {"x-forwarded-for": forwarded}) == client
