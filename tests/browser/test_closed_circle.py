"""What viewers say comes back as better weights: page, feedback, training, Hub, Space, page."""

from __future__ import annotations

import time
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, expect

from moodlens.feedback import FeedbackStore
from moodlens.model.checkpoint_files import read_json
from tests.browser.site import Site, new_context, upload, wait_for_answer
from tests.support.emotion6_factory import make_emotion6
from tests.support.hub_server import HubServer
from tests.support.picture_tables import paint_pictures
from tests.support.running_app import RunningApp
from training import evaluate, publish, train

REPO, SPACE = "owner/weights", "owner/app"
FELT = ("Joy", "Fear")
TINY = [
    "--backbone", "test_efficientnet", "--pretrained", "none", "--threads", "1",
    "--set", "input_size=64", "--set", "heads.l2=[0.1]", "--set", "heads.affect_l2=[1.0]",
    "--epochs", "1", "--batch-size", "8", "--cache", "cache",
]  # fmt: skip


def learn_and_publish(out: str, *data: str) -> None:
    """Train, judge on the split that nothing is learned from, publish."""
    sources = [word for path in data for word in ("--data", path)]
    assert train.main([*sources, *TINY, "--split", "reference_train", "--out", out]) == 0
    judged = ["--data", data[0], "--checkpoint", out, "--split", "reference_val"]
    assert evaluate.main(judged) == 0
    options = ["--repo", REPO, "--space", SPACE, "--allow-worse"]
    assert publish.main(["--checkpoint", out, *options]) == 0


def served(app: RunningApp, revision: str, patience: float = 120.0) -> bool:
    """Whether the app comes to answer with these weights."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if httpx.get(f"{app.url}/healthz", timeout=60).json()["model"]["revision"] == revision:
            return True
        time.sleep(0.5)
    return False


def test_the_circle_closes(
    browser: Browser, hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_TOKEN", hub.WRITE_TOKEN)
    for name in ("DATA_DIR", "CHECKPOINT_DIR", "CACHE_DIR", "PRETRAINED_FILE"):
        monkeypatch.delenv(name, raising=False)
    space = hub.create(SPACE, "spaces")
    emotion6 = str(make_emotion6(tmp_path / "emotion6", per_keyword=6))
    learn_and_publish("first", emotion6)

    settings = {"MOODLENS_CHECKPOINT": REPO, "MOODLENS_FOLLOW_SECONDS": "1"}
    with RunningApp(tmp_path, settings) as app:
        app.wait_until_ready()
        site = Site(app)
        context = new_context(browser)
        page = site.open(context)
        pictures = tmp_path / "viewers"
        for name, felt in zip(paint_pictures(pictures, len(FELT), seed=3), FELT, strict=True):
            data = (pictures / name).read_bytes()
            answer = site.predict(data)
            upload(page, {"name": name, "mimeType": "image/jpeg", "buffer": data})
            wait_for_answer(page, answer)
            page.locator("#feedback [data-keep]").check()
            page.locator("#feedback").get_by_role("button", name=felt).click()
            expect(page.locator("#feedback")).to_contain_text("Thank you")
        context.close()
        feedback = app.environ["MOODLENS_FEEDBACK_FOLDER"]
        records = list(FeedbackStore(Path(feedback)).read())
        said = [record["felt"][name.lower()] for record, name in zip(records, FELT, strict=True)]
        assert said == [1, 1]

        learn_and_publish("second", emotion6, f"{feedback}@2")
        facts = [read_json(Path(out, "config.json"))["training"] for out in ("first", "second")]
        counts = [fact["learned_from"]["pictures"] for fact in facts]
        assert counts[1] == counts[0] + len(FELT)
        assert "jpg" not in str(facts[1]["learned_from"])
        assert read_json(Path("second", "metrics.json"))["split"]["seen_in_training"] is False

        newest = hub.repository(REPO).branches["main"]
        assert space.variables["MOODLENS_CHECKPOINT"]["value"] == f"{REPO}@{newest}"
        assert served(app, newest)
