"""Several sources as one data set, whose duplicates are never learned from and judged by."""

from pathlib import Path

import numpy as np
import pytest

from moodlens.errors import DatasetError, MoodLensError
from tests.support.emotion6_factory import make_emotion6
from tests.support.picture_tables import (
    feedback_record,
    save_anew,
    votes_table,
    write_feedback,
    write_table,
)
from training.data import __main__ as report
from training.data.emotion6 import Emotion6
from training.data.opening import open_data
from training.data.provenance import learned_from_all, public_names, seen_in_training
from training.data.split import FOLD_NAMES, load_split, make_folds, reference_val_names


@pytest.fixture(scope="module")
def emotion6(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_emotion6(tmp_path_factory.mktemp("emotion6"), per_keyword=6)


@pytest.fixture(scope="module")
def own(emotion6: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten pictures, and one of Emotion6's that the reference validates on, saved anew."""
    folder = tmp_path_factory.mktemp("own")
    table = votes_table(folder, 10, seed=5)
    known = sorted(reference_val_names() & set(Emotion6.read(emotion6).names))[0]
    save_anew(emotion6 / "images" / known, folder / "again.jpg")
    table.write_text(table.read_text() + "again.jpg,0,0,0,5,0,0,0\n")
    (folder / "known.txt").write_text(known)
    return table


def test_sources_follow_one_another_with_their_weights(emotion6: Path, own: Path) -> None:
    both = open_data([str(emotion6), f"{own}@0.5"])
    alone = open_data([str(own)])
    first = Emotion6.read(emotion6)
    assert both.names[:36] == first.names
    assert (
        both.names[36:]
        == alone.names
        == [f"votes:{n}.jpg" for n in range(10)] + ["votes:again.jpg"]
    )
    assert both.weights[:36].tolist() == [1] * 36
    assert both.weights[36:] == pytest.approx(alone.weights / 2)
    assert both.digest(0) == first.digest(0)
    assert both.digest(36) == alone.digest(0)
    assert both.picture(36).tobytes() == alone.picture(0).tobytes()
    assert np.isnan(both.ratings.valence[36:]).all()
    part = both.subset([40, 3])
    assert part.names == [both.names[40], both.names[3]]
    assert part.digest(0) == both.digest(40)


def test_emotion6_alone_is_what_it_was(emotion6: Path) -> None:
    first, joined = Emotion6.read(emotion6), open_data([str(emotion6)])
    for name in ("reference_train", *FOLD_NAMES):
        assert load_split(name, joined).indices.tolist() == load_split(name, first).indices.tolist()


def test_the_same_picture_is_not_learned_from_and_judged_by(emotion6: Path, own: Path) -> None:
    both = open_data([str(emotion6), str(own)])
    known = (own.parent / "known.txt").read_text()
    twins = [both.names.index(known), both.names.index("votes:again.jpg")]
    assert both.groups[twins[0]] == both.groups[twins[1]]
    assert len(np.unique(both.groups)) == len(both) - 1

    train = set(load_split("reference_train", both).indices.tolist())
    assert not train & set(twins)
    assert set(both.names) - {both.names[i] for i in train} > {known, "votes:again.jpg"}
    for fold in FOLD_NAMES:
        judged = set(load_split(fold, both).indices.tolist())
        learned = set(load_split(f"without_{fold}", both).indices.tolist())
        assert not set(both.groups[list(judged)]) & set(both.groups[list(learned)])
        assert judged | learned == set(range(len(both)))


def test_folds_of_a_table_hold_and_draw_their_twins_along(tmp_path: Path) -> None:
    own = votes_table(tmp_path / "own", 36)
    save_anew(own.parent / "3.jpg", own.parent / "twin.jpg")
    header, *lines = own.read_text().splitlines()
    lines = [f"{line},{4 if n == 3 else ''}" for n, line in enumerate(lines)]
    write_table(own, [f"{header},fold", *lines, "twin.jpg,0,0,0,5,0,0,0,"])
    data = open_data([str(own)])
    judged = [data.names[i] for i in load_split("fold4", data).indices]
    assert {"votes:3.jpg", "votes:twin.jpg"} <= set(judged)


def test_a_handful_beside_a_large_set_is_dealt_too(emotion6: Path, tmp_path: Path) -> None:
    """36 pictures of Emotion6 that have folds of their own, and two others."""
    names = "\n".join(f"{line.split(chr(9))[0]},0,0,0,3,0,0,0,{n % 5}" for n, line in enumerate(
        (emotion6 / "ground_truth.txt").read_text().splitlines()[1:]
    ))  # fmt: skip
    header = "file,anger,disgust,fear,joy,sadness,surprise,neutral,fold"
    table = write_table(tmp_path / "all.csv", [header, names])
    few = votes_table(tmp_path / "few", 2, seed=9)
    data = open_data([f"{table}::{emotion6 / 'images'}", str(few)])
    folds = [set(load_split(fold, data).indices.tolist()) for fold in FOLD_NAMES]
    assert sorted(i for fold in folds for i in fold) == list(range(38))


def test_folds_keep_groups_together() -> None:
    classes = np.tile([0, 1], 30)
    groups = np.repeat(np.arange(20), 3)
    fold_of = make_folds(classes, groups=groups)
    for group in range(20):
        assert len(set(fold_of[groups == group])) == 1
    assert set(fold_of) == set(range(5))


def test_a_checkpoint_knows_own_pictures_by_content_and_tells_no_name(own: Path) -> None:
    data = open_data([str(own)])
    facts = {"learned_from": learned_from_all(data.subset(range(4)))}
    assert "jpg" not in str(facts)
    assert facts["learned_from"]["pictures"] == 4
    assert seen_in_training(facts, data.names, data) == data.names[:4]
    assert all(name.startswith("sha256:") for name in public_names(data))


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        (["nothing"], "no data 'nothing'"),
        (["empty"], "no readable ground_truth.txt, no table and no feedback"),
        (["two"], "2 tables: say which"),
        (["note.txt"], "note.txt is no table"),
        (["two/a.csv::note.txt"], "no folder and no zip file"),
        (["hf://models/a/b"], "hf://datasets/owner/name"),
        (["emotion6", "emotion6"], "only once"),
        (["two/a.csv@0"], "weight of 0"),
    ],
)
def test_what_cannot_be_opened_is_one_sentence(
    emotion6: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    wanted: list[str],
    sentence: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("empty", "two"):
        Path(folder).mkdir()
    for file in ("two/a.csv", "two/b.csv", "note.txt"):
        Path(file).write_text("")
    Path("emotion6").symlink_to(emotion6)
    with pytest.raises(MoodLensError) as caught:
        open_data(wanted)
    assert sentence in caught.value.message
    assert str(tmp_path) not in caught.value.message


def test_the_report_says_what_is_there(
    emotion6: Path, own: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    records = [feedback_record("ab" * 16, "joy"), feedback_record("ab" * 16, "joy"), "torn"]
    feedback = write_feedback(tmp_path / "feedback", records)
    assert report.main([str(emotion6), str(own), f"{feedback}@2"]) == 1
    printed = capsys.readouterr().out
    known = (own.parent / "known.txt").read_text()
    assert "48 pictures" in printed
    assert f"the same picture: {known}, votes:again.jpg" in printed
    assert "line 3: line that is no record" in printed
    for word in ("Emotion6", "votes", "feedback", "agreement", "neutral"):
        assert word in printed
    assert report.main([str(emotion6)]) == 0
    assert report.main([str(tmp_path / "nothing")]) == 2


def test_a_broken_one_among_several_is_named_by_its_source(emotion6: Path, own: Path) -> None:
    broken = own.with_name("broken") / "votes.csv"
    broken.parent.mkdir()
    write_table(broken, ["file,joy", "gone.jpg,3"])
    with pytest.raises(DatasetError, match=r"votes\.csv has problems: 1 x missing picture"):
        open_data([str(emotion6), str(broken)])
