"""The follower offers each new commit once, and waits out whatever the Hub does meanwhile."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from moodlens.weights import hub as hub_module
from moodlens.weights.following import Follower
from moodlens.weights.reference import CheckpointReference, Located, locate_bundled
from tests.support.hub_server import HubServer
from tests.support.hub_store import Repository

NAME = "owner/weights"
locate = partial(hub_module.locate, patience=120)

Follow = Callable[[str, Located], "queue.Queue[Located]"]


@pytest.fixture
def repository(hub: HubServer) -> Repository:
    repository = hub.create(NAME)
    repository.put({"config.json": b'{"version": 1}', "model.safetensors": b"weights"})
    return repository


@pytest.fixture
def follow() -> Iterator[Follow]:
    """Start a follower at a quick pace; what it offers comes through a queue."""
    followers = []

    def start(text: str, current: Located) -> queue.Queue[Located]:
        offers: queue.Queue[Located] = queue.Queue()
        follower = Follower(
            CheckpointReference.parse(text), current, offers.put, every=0.05, first_retry=0.02
        )
        followers.append(follower)
        follower.start()
        return offers

    yield start
    for follower in followers:
        follower.close()


def is_quiet(offers: queue.Queue[Located], seconds: float = 0.4) -> bool:
    try:
        offers.get(timeout=seconds)
    except queue.Empty:
        return True
    return False


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "moodlens-follow"]


def test_a_new_commit_is_offered_once(
    hub: HubServer, repository: Repository, follow: Follow
) -> None:
    offers = follow(NAME, locate(NAME))
    assert is_quiet(offers)
    newer = repository.put({"config.json": b'{"version": 2}'})
    offered = offers.get(timeout=60)
    assert (offered.revision, offered.source, offered.notice) == (newer.sha, "hub", None)
    assert (offered.folder / "config.json").read_bytes() == b'{"version": 2}'
    assert is_quiet(offers)


def test_a_look_at_an_unchanged_branch_is_one_request(
    hub: HubServer, repository: Repository, follow: Follow
) -> None:
    current = locate(NAME)
    hub.forget_requests()
    offers = follow(NAME, current)
    assert is_quiet(offers)
    assert {request.path.split("?")[0] for request in hub.requests} == {
        f"/api/models/{NAME}/revision/main"
    }


@pytest.mark.parametrize("revision", ["main", "the commit"])
def test_late_weights_are_offered_when_they_come(
    hub: HubServer, repository: Repository, follow: Follow, revision: str
) -> None:
    commit = repository.branches["main"]
    text = f"{NAME}@{commit if revision == 'the commit' else revision}"
    hub.stop()
    stand_in = locate(text)
    assert stand_in.source == "bundled"
    offers = follow(text, stand_in)
    assert is_quiet(offers)
    hub.start()
    assert offers.get(timeout=60).revision == commit
    assert is_quiet(offers)
    assert len(threads()) == (0 if revision == "the commit" else 1)


def test_the_cache_is_confirmed_when_the_hub_is_back(
    hub: HubServer, repository: Repository, follow: Follow
) -> None:
    commit = locate(NAME).revision
    hub.stop()
    stand_in = locate(NAME)
    assert stand_in.notice
    offers = follow(NAME, stand_in)
    hub.start()
    confirmed = offers.get(timeout=60)
    assert (confirmed.revision, confirmed.source, confirmed.notice) == (commit, "hub", None)


def test_failures_are_outlasted(hub: HubServer, repository: Repository, follow: Follow) -> None:
    offers = follow(NAME, locate(NAME))
    hub.fail("/api/", status=500, times=3)
    newer = repository.put({"model.safetensors": b"other weights"})
    hub.fail("/storage/", corrupt=True, times=2)
    assert offers.get(timeout=60).revision == newer.sha


def test_a_repository_without_weights_is_never_offered(
    hub: HubServer, repository: Repository, follow: Follow
) -> None:
    offers = follow(NAME, locate(NAME))
    repository.commit("main", {}, title="Remove all")
    assert is_quiet(offers)
    newer = repository.put({"config.json": b"{}", "model.safetensors": b"weights again"})
    assert offers.get(timeout=60).revision == newer.sha


@pytest.mark.parametrize("text", ["", "the commit"])
def test_what_cannot_change_is_not_followed(
    hub: HubServer, repository: Repository, follow: Follow, text: str
) -> None:
    text = f"{NAME}@{repository.branches['main']}" if text else ""
    current = locate(text)
    hub.forget_requests()
    assert is_quiet(follow(text, current), 0.2)
    assert not threads()
    assert not hub.requests


def test_closing_stops_the_looking(hub: HubServer, repository: Repository) -> None:
    follower = Follower(
        CheckpointReference(NAME), locate_bundled(), lambda _: None, every=30, first_retry=30
    )
    follower.start()
    assert len(threads()) == 1
    follower.close()
    threads_left = threads()
    for thread in threads_left:
        thread.join(timeout=60)
    assert not threads()


def test_pauses_grow_to_the_usual_pace_and_are_spread() -> None:
    follower = Follower(CheckpointReference(NAME), locate_bundled(), lambda _: None)
    pauses = [follower._pause(failures) for failures in (1, 2, 3, 50)]
    for pause, expected in zip(pauses, (5, 10, 20, 300), strict=True):
        assert 0.8 * expected <= pause <= 1.2 * expected
    assert len({follower._pause(1) for _ in range(20)}) > 10
