from pathlib import Path

import pytest

from moodlens.errors import SettingsError
from moodlens.settings import Settings, read_settings

NOWHERE = Path("no-such-file")


def test_the_defaults() -> None:
    settings = read_settings({"MOODLENS_THREADS": "2"}, NOWHERE)
    assert settings == Settings()


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("MOODLENS_PORT=1234\nMOODLENS_MAX_MEGABYTES=3\nMOODLENS_CHECKPOINT=a/b\n")
    settings = read_settings({"MOODLENS_PORT": "4321"}, file)

    assert settings.port == 4321
    assert settings.limits.max_bytes == 3_000_000
    assert settings.checkpoint == "a/b"


def test_a_space_listens_to_the_outside() -> None:
    assert read_settings({"SPACE_ID": "owner/space"}, NOWHERE).host == "0.0.0.0"
    assert read_settings({}, NOWHERE).host == "127.0.0.1"
    assert read_settings({"SPACE_ID": "x/y", "MOODLENS_HOST": "::1"}, NOWHERE).host == "::1"


@pytest.mark.parametrize(
    ("environ", "host", "port"),
    [
        ({"GRADIO_SERVER_NAME": "0.0.0.0", "GRADIO_SERVER_PORT": "8000"}, "0.0.0.0", 8000),
        ({"PORT": "8080"}, "127.0.0.1", 8080),
        ({"PORT": "8080", "GRADIO_SERVER_PORT": "8000"}, "127.0.0.1", 8000),
        ({"PORT": "8080", "MOODLENS_PORT": "80", "GRADIO_SERVER_NAME": "[::1]"}, "::1", 80),
        ({"GRADIO_SERVER_NAME": "0.0.0.0", "MOODLENS_HOST": "127.0.0.1"}, "127.0.0.1", 7860),
        ({"PORT": " "}, "127.0.0.1", 7860),
    ],
)
def test_the_conventions_of_others_count_where_the_own_variables_are_not_set(
    environ: dict[str, str], host: str, port: int
) -> None:
    settings = read_settings(environ, NOWHERE)
    assert (settings.host, settings.port) == (host, port)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "http"),
        ("GRADIO_SERVER_PORT", "99999"),
        ("MOODLENS_PORT", "65536"),
        ("MOODLENS_THREADS", "0"),
        ("MOODLENS_MAX_QUEUE", "-1"),
        ("MOODLENS_MAX_MEGABYTES", "1.5"),
        ("MOODLENS_MAX_MEGAPIXELS", "\u0663"),
        ("MOODLENS_FOLLOW_SECONDS", "soon"),
        ("MOODLENS_SHOW_AGREEMENT", "perhaps"),
        ("MOODLENS_ZERO_GPU", "perhaps"),
        ("MOODLENS_DEVICE", "cuda:7"),
        ("MOODLENS_FEEDBACK_DATASET", "nobody"),
    ],
)
def test_what_cannot_be_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        read_settings({name: value}, NOWHERE)


def test_the_salt_is_not_printed() -> None:
    assert "sesame" not in repr(read_settings({"MOODLENS_FEEDBACK_SALT": "sesame"}, NOWHERE))
