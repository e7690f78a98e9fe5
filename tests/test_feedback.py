"""Answers of viewers survive what disks, processes and people do to them."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from math import log
from pathlib import Path

import pytest
from PIL import Image

from moodlens import feedback
from moodlens.emotions import LABELS
from moodlens.feedback import FeedbackError, FeedbackStore, agreement, normalise
from tests.support.hub_server import HubServer
from tests.support.predictions import make_prediction
from tests.support.running_app import REPOSITORY

PREDICTION = make_prediction(0.2, fear=0.5)
SHA256 = hashlib.sha256(b"picture").digest()


def add(store: FeedbackStore, **felt: float) -> None:
    store.add(felt or {"joy": 1}, PREDICTION, way="click", sha256=SHA256)


def test_an_answer_is_stored_with_all_that_makes_it_useful(tmp_path: Path) -> None:
    store = FeedbackStore(tmp_path)
    store.add({"joy": 3, "fear": 1}, PREDICTION, way="sliders", sha256=SHA256)

    (record,) = store.read()
    assert record["felt"] == {**dict.fromkeys(LABELS, 0.0), "joy": 0.75, "fear": 0.25}
    assert record["predicted"]["fear"] == pytest.approx(0.4)
    assert record["predicted"]["neutral"] == 0.2
    assert record["model"] == PREDICTION.model.to_json()
    assert record["way"] == "sliders"
    assert record["time"].endswith("+00:00")
    assert record["kept"] is None


def test_the_picture_is_only_known_by_a_salted_hash(tmp_path: Path) -> None:
    here, there = FeedbackStore(tmp_path / "a"), FeedbackStore(tmp_path / "b")
    for store in (here, here, there):
        add(store)
    first, second = (record["picture"] for record in here.read())
    (elsewhere,) = (record["picture"] for record in there.read())
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())

    assert first == second != elsewhere
    assert SHA256.hex().encode() not in written
    assert (tmp_path / "a" / "salt").stat().st_mode & 0o077 == 0


def test_a_configured_salt_gives_the_same_hash_on_every_machine(tmp_path: Path) -> None:
    stores = [FeedbackStore(tmp_path / name, salt="secret") for name in "ab"]
    for store in stores:
        add(store)

    assert len({record["picture"] for store in stores for record in store.read()}) == 1
    assert not list(tmp_path.glob("*/salt"))


def test_a_picture_is_kept_only_on_request(tmp_path: Path) -> None:
    store = FeedbackStore(tmp_path)
    add(store)
    assert not list(tmp_path.rglob("*.jpg"))

    picture = Image.new("RGB", (40, 30), "red")
    store.add({"joy": 1}, PREDICTION, way="click", sha256=SHA256, picture=picture)

    kept = [record["kept"] for record in store.read()][-1]
    with Image.open(tmp_path / "records" / kept) as stored:
        assert stored.size == (40, 30)


@pytest.mark.parametrize(
    "felt",
    [{}, {"joy": 0}, {"joy": -1}, {"love": 1}, {"joy": float("nan")}, {"joy": "1"}, {"joy": True}],
)
def test_answers_that_make_no_sense_are_refused(tmp_path: Path, felt: dict) -> None:
    with pytest.raises(FeedbackError):
        FeedbackStore(tmp_path).add(felt, PREDICTION, way="click", sha256=SHA256)
    assert not list(tmp_path.rglob("*.jsonl"))


def test_normalise_sums_to_one() -> None:
    assert sum(normalise({"joy": 1e-3, "fear": 7, "neutral": 2}).values()) == pytest.approx(1)


def test_many_threads_lose_nothing(tmp_path: Path) -> None:
    store = FeedbackStore(tmp_path)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: add(store), range(80)))

    assert len(list(store.read())) == 80


WRITER = textwrap.dedent(
    """
    import sys
    from pathlib import Path
    from tests.test_feedback import FeedbackStore, add
    store = FeedbackStore(Path(sys.argv[1]))
    while True:
        add(store)
        print("stored", flush=True)
    """
)


def test_kill_9_loses_at_most_the_line_being_written(tmp_path: Path) -> None:
    promised = 0
    for _ in range(3):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path)],
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert writer.stdout is not None
        for _ in range(20):
            assert writer.stdout.readline() == b"stored\n"
        writer.send_signal(signal.SIGKILL)
        promised += 20 + writer.stdout.read().count(b"stored\n")
        writer.wait()

    store = FeedbackStore(tmp_path)
    found = list(store.read())
    assert promised <= len(found) <= promised + 3
    add(store)
    assert len(list(store.read())) == len(found) + 1


def test_torn_and_foreign_lines_are_passed_over(tmp_path: Path) -> None:
    store = FeedbackStore(tmp_path)
    add(store)
    (path,) = tmp_path.rglob("*.jsonl")
    line = path.read_bytes()
    for number, damage in enumerate(
        [line[:50], b"\xff\xfe", b"[]", b"{}", b'"', b"null", b"1" * 99]
    ):
        path.with_name(f"feedback-{number}.jsonl").write_bytes(damage + b"\n" + line)

    assert len(list(store.read())) == 8


def test_a_full_disk_is_a_sentence_and_leaves_the_file_whole(tmp_path: Path) -> None:
    """A file size limit makes the kernel refuse the bytes in the middle of a line."""
    script = textwrap.dedent(
        """
        import resource, signal, sys
        from pathlib import Path
        from tests.test_feedback import FeedbackError, FeedbackStore, add
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        store = FeedbackStore(Path(sys.argv[1]))
        add(store)
        (path,) = Path(sys.argv[1]).rglob("*.jsonl")
        size = path.stat().st_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100, resource.RLIM_INFINITY))
        try:
            add(store)
        except FeedbackError as error:
            print(error)
        assert path.stat().st_size == size
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        add(store)
        assert len(list(store.read())) == 2
        """
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "Your answer could not be stored here; please try again later.\n"


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(FeedbackError, match="could not be stored"):
        add(FeedbackStore(tmp_path / "file" / "feedback"))


def test_agreement_by_hand(tmp_path: Path) -> None:
    store = FeedbackStore(tmp_path)
    assert agreement(store.read()) is None
    add(store, fear=1)
    add(store, neutral=1)

    found = agreement(store.read())
    assert found is not None
    assert (found.answers, found.pictures) == (2, 1)
    assert found.mean_kl == pytest.approx((-log(0.4) - log(0.2)) / 2, abs=1e-3)
    assert found.felt["fear"] == found.felt["neutral"] == 0.5
    assert found.predicted["fear"] == pytest.approx(0.4)


def test_answers_reach_the_hub_dataset(
    hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", hub.WRITE_TOKEN)
    store = FeedbackStore(tmp_path, dataset="owner/feelings")
    add(store)
    deadline = time.monotonic() + 30
    while store._scheduler is None and time.monotonic() < deadline:
        time.sleep(0.05)
    store.close()

    from huggingface_hub import HfApi, hf_hub_download

    (name,) = (
        name
        for name in HfApi().list_repo_files("owner/feelings", repo_type="dataset")
        if name.endswith(".jsonl")
    )
    path = hf_hub_download("owner/feelings", name, repo_type="dataset")
    (line,) = Path(path).read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["felt"]["joy"] == 1
    assert os.environ["HF_ENDPOINT"].startswith("http://127.0.0.1")


def test_all_that_is_kept_is_private(tmp_path: Path) -> None:
    folder = tmp_path / "feedback"
    store = FeedbackStore(folder)
    picture = Image.new("RGB", (40, 30), "red")
    store.add({"joy": 1}, PREDICTION, way="click", sha256=SHA256, picture=picture)
    for path in (folder, *folder.rglob("*")):
        assert path.stat().st_mode & 0o077 == 0, path


def test_the_folder_has_a_ceiling(tmp_path: Path) -> None:
    store = FeedbackStore(tmp_path, max_bytes=3000)
    stored = 0
    with suppress(FeedbackError):
        for stored in range(20):  # noqa: B007
            add(store)
    assert 2 <= stored == len(list(store.read())) <= 9
    with pytest.raises(FeedbackError, match="No more answers are kept"):
        add(FeedbackStore(tmp_path, max_bytes=1000))  # whoever wrote what is there


def test_the_ceiling_counts_what_lies_behind_a_link(tmp_path: Path) -> None:
    elsewhere, folder = tmp_path / "elsewhere", tmp_path / "feedback"
    elsewhere.mkdir()
    folder.mkdir()
    (folder / "records").symlink_to(elsewhere)
    add(FeedbackStore(folder))
    with pytest.raises(FeedbackError, match="No more answers are kept"):
        add(FeedbackStore(folder, max_bytes=100))


def test_a_salt_that_hides_nothing_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "salt").write_bytes(b"")  # as a crash may leave it
    with pytest.raises(FeedbackError, match="could not be stored"):
        add(FeedbackStore(tmp_path))
    (tmp_path / "salt").unlink()
    add(FeedbackStore(tmp_path))
    assert len((tmp_path / "salt").read_bytes()) == 32


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    add(FeedbackStore(tmp_path))
    os.mkfifo(tmp_path / "records" / "feedback-pipe.jsonl")
    (tmp_path / "salt").unlink()
    os.mkfifo(tmp_path / "salt")
    store = FeedbackStore(tmp_path)
    with pytest.raises(FeedbackError, match="could not be stored"):
        add(store)
    assert len(list(store.read())) == 1
    assert store.agreement() == agreement(store.read())


def test_agreement_reads_only_what_is_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here, there = FeedbackStore(tmp_path), FeedbackStore(tmp_path)
    read: list[int] = []
    records_in = feedback._records_in

    def counting(lines: bytes) -> object:
        read.append(len(lines))
        return records_in(lines)

    monkeypatch.setattr(feedback, "_records_in", counting)
    assert here.agreement() is None
    for store in (here, there, here):
        add(store)
        found = here.agreement()
    assert found == agreement(here.read())
    assert read[:3] == [read[0]] * 3  # a line each
    (tmp_path / "records").joinpath(here._file.name).write_bytes(b"")
    after = here.agreement()
    assert after is not None
    assert after.answers == 1
