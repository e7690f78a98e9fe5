"""Idle connections make room for others."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace

from moodlens.serving.connections import Crowd, raise_descriptor_limit


@dataclass(eq=False)
class Connection:
    """What the server's protocol has: the request being answered, or None."""

    busy: bool = False
    aborted: bool = False
    cycle: SimpleNamespace | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        if self.busy:
            self.cycle = SimpleNamespace(response_complete=False)

    def abort(self) -> None:
        self.aborted = True


def test_the_longest_idle_goes_first_and_who_is_answered_stays() -> None:
    crowd = Crowd(3)
    here = [Connection(busy=True), Connection(), Connection(), Connection(busy=True)]
    for connection in here:
        crowd.enter(connection, connection)
    assert [connection.aborted for connection in here] == [False, True, False, False]
    crowd.leave(here[2])
    another = Connection()
    crowd.enter(another, another)
    assert not another.aborted


def test_where_all_are_answered_nobody_else_comes_in() -> None:
    crowd = Crowd(2)
    for connection in (Connection(busy=True), Connection(busy=True)):
        crowd.enter(connection, connection)
    late = Connection()
    crowd.enter(late, late)
    assert late.aborted


def test_the_soft_limit_is_raised_to_the_hard_one() -> None:
    import resource

    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, before[1]))
        limit = raise_descriptor_limit()
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (limit, before[1])
        assert limit > 256
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
