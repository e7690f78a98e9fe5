"""The app as people and programs use it: over HTTP and by Gradio's own Python client."""

import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

import moodlens
from moodlens.emotions import EMOTIONS
from moodlens.weights.pretrained import from_pretrained
from tests.support.running_app import RunningApp

EXAMPLES = sorted((Path(moodlens.__file__).parent / "examples").glob("*.jpg"))


@pytest.fixture(scope="module")
def client(app: RunningApp) -> Client:
    return Client(app.url, verbose=False)


def shares(body: dict) -> dict[str, float]:
    return body["prediction"]["probability_distribution"]


def largest_difference(a: dict, b: dict) -> float:
    return max(abs(shares(a)[name] - shares(b)[name]) for name in EMOTIONS)


def test_hello(app: RunningApp) -> None:
    assert httpx.get(f"{app.url}/hello").json() == {"message": "Hello Emotion World"}


def test_healthz_names_the_weights(app: RunningApp) -> None:
    body = httpx.get(f"{app.url}/healthz").json()

    assert body["status"] == "ready"
    assert body["model"]["source"] == "bundled"


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_rest_follows_the_contract(app: RunningApp, path: Path) -> None:
    response = app.predict(path.read_bytes())

    body = response.json()
    assert response.status_code == 200
    assert list(body) == ["status", "prediction", "all_emotions", "model"]
    assert body["status"] == "success"
    assert body["all_emotions"] == list(EMOTIONS)
    prediction = body["prediction"]
    assert list(shares(body)) == list(EMOTIONS)
    assert sum(shares(body).values()) == pytest.approx(1, abs=1e-9)
    assert prediction["dominant_emotion"] == max(EMOTIONS, key=lambda name: shares(body)[name])
    assert prediction["confidence"] == max(shares(body).values())
    assert 0 <= prediction["neutral"] <= 1
    assert 0 <= prediction["ambiguity"] <= 1
    assert 0 <= prediction["certainty"] <= 1
    assert 1 <= prediction["valence"] <= 9
    assert 1 <= prediction["arousal"] <= 9


def test_the_three_ways_in_agree(app: RunningApp, client: Client) -> None:
    path = EXAMPLES[0]
    by_rest = app.predict(path.read_bytes()).json()
    by_client = client.predict(handle_file(str(path)), api_name="/predict")
    predictor = from_pretrained()
    with Image.open(path) as picture:
        by_python = predictor.predict([picture.convert("RGB")])[0].to_json()

    assert by_client == by_rest
    assert largest_difference(by_python, by_rest) < 0.01


def test_only_predict_is_published(client: Client) -> None:
    assert list(client.view_api(return_format="dict")["named_endpoints"]) == ["/predict"]


def test_a_rotated_photo_gives_the_same_answer(app: RunningApp) -> None:
    with Image.open(EXAMPLES[0]) as upright:
        exif = Image.Exif()
        exif[0x0112] = 6  # shown turned a quarter to the right
        lying = upright.transpose(Image.Transpose.ROTATE_90)
        buffers = io.BytesIO(), io.BytesIO()
        upright.save(buffers[0], "JPEG", quality=95)
        lying.save(buffers[1], "JPEG", quality=95, exif=exif)
    a, b = (app.predict(buffer.getvalue()).json() for buffer in buffers)

    assert largest_difference(a, b) < 0.02


def test_nobody_sees_another_ones_picture(app: RunningApp) -> None:
    pictures = [path.read_bytes() for path in EXAMPLES]
    alone = [app.predict(data).json() for data in pictures]
    assert largest_difference(alone[0], alone[1]) > 0.02  # or mixing them up would not show

    order = [*range(len(pictures))] * 6
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda i: app.predict(pictures[i]).json(), order))

    for i, body in zip(order, together, strict=True):
        assert largest_difference(body, alone[i]) < 0.002


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"", 400),
        (b"hello", 400),
        (EXAMPLES[0].read_bytes()[:2000], 400),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415),
        (b"%PDF-1.7\n", 415),
        (b"\xff" * 21_000_000, 413),
    ],
    ids=["empty", "text", "truncated", "svg", "pdf", "large"],
)
def test_bad_files_get_one_sentence(
    app: RunningApp, client: Client, tmp_path: Path, data: bytes, status: int
) -> None:
    response = app.predict(data)
    body = response.json()
    path = tmp_path / "file.jpg"
    path.write_bytes(data)

    assert response.status_code == status
    assert set(body) == {"status", "error"}
    assert body["status"] == "error"
    assert body["error"].endswith(".")
    assert "/" not in body["error"].replace("multipart/form-data", "")
    if status != 413:  # Gradio refuses a large upload itself
        with pytest.raises(AppError) as caught:
            client.predict(handle_file(str(path)), api_name="/predict")
        assert caught.value.message == body["error"]


def test_a_request_without_a_file(app: RunningApp) -> None:
    for response in (
        httpx.post(f"{app.url}/predict"),
        httpx.post(f"{app.url}/predict", files={"picture": b"x"}),
        httpx.post(f"{app.url}/predict", data={"file": "x"}),
    ):
        assert response.status_code == 422
        assert response.json()["status"] == "error"


def test_the_app_ends_when_it_is_asked_to(tmp_path: Path) -> None:
    with RunningApp(tmp_path) as running:
        assert running.stop() == 0


def test_an_unusable_setting_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="MOODLENS_THREADS must be a whole number"):
        RunningApp(tmp_path, {"MOODLENS_THREADS": "many"}).__enter__()


def test_an_unknown_folder_falls_back_and_says_so(tmp_path: Path) -> None:
    with RunningApp(tmp_path, {"MOODLENS_CHECKPOINT": str(tmp_path / "nothing")}) as running:
        running.wait_until_ready()
        health = httpx.get(f"{running.url}/healthz").json()
        body = running.predict(EXAMPLES[0].read_bytes()).json()

    assert health["status"] == "degraded"
    assert str(tmp_path) not in health["reason"]
    assert body["model"]["source"] == "bundled"
