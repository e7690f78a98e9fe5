import json

from training.data.provenance import learned_from, seen_in_training
from training.data.split import reference_val_names

NAMES = ["joy/12.jpg", "joy/3.jpg", "anger/7.jpg"]


def test_facts_name_every_picture_once_and_in_order() -> None:
    assert learned_from([*NAMES, "joy/3.jpg"]) == {
        "pictures": 3,
        "reference_val": len(reference_val_names().intersection(NAMES)),
        "names": {"anger": "7", "joy": "3 12"},
    }


def test_learning_from_the_references_validation_is_counted() -> None:
    listed = sorted(reference_val_names())
    assert learned_from([*listed[:5], "joy/9999.jpg"])["reference_val"] == 5


def test_pictures_seen_are_found_again() -> None:
    facts = json.loads(json.dumps({"learned_from": learned_from(NAMES)}))
    assert seen_in_training(facts, ["joy/1.jpg", "joy/12.jpg", "fear/7.jpg"]) == ["joy/12.jpg"]
    assert seen_in_training(facts, ["joy/1.jpg"]) == []


def test_a_checkpoint_that_does_not_say_is_unknown() -> None:
    for facts in ({}, {"learned_from": None}, {"learned_from": {"names": "all"}}):
        assert seen_in_training(facts, NAMES) is None
