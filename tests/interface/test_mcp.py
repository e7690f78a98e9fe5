"""The tool for models, asked over HTTP by the protocol's own client."""

from __future__ import annotations

import base64
import json
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import moodlens
from tests.support.coroutines import run
from tests.support.running_app import RunningApp
from tests.support.space import NAME, SpaceApp
from tests.support.tiny_checkpoint import make_checkpoint

mcp = pytest.importorskip("mcp", reason="the package mcp is not installed")
streamable_http = pytest.importorskip("mcp.client.streamable_http")

CAT = (Path(moodlens.__file__).parent / "examples" / "cat.jpg").read_bytes()
LIMIT = 4_000_000

Talk = Callable[[Any], Awaitable[Any]]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    folder = tmp_path_factory.mktemp("mcp")
    settings = {
        "MOODLENS_CHECKPOINT": str(make_checkpoint(folder / "tiny")),
        "MOODLENS_MAX_MEGABYTES": str(LIMIT // 1_000_000),
    }
    with RunningApp(folder, settings) as running:
        running.wait_until_ready()
        yield running


def talk(server: RunningApp, what: Talk) -> Any:
    """One session, from its beginning to its end."""

    async def session() -> Any:
        address = f"{server.url}/gradio_api/mcp/"
        async with (
            streamable_http.streamablehttp_client(address) as (receiving, sending, _),
            mcp.ClientSession(receiving, sending) as client,
        ):
            await client.initialize()
            return await what(client)

    return run(session())


def data_uri(data: bytes) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(data).decode()}"


def test_the_tool_explains_itself(server: RunningApp) -> None:
    (tool,) = talk(server, lambda client: client.list_tools()).tools

    assert tool.name == "emotions_evoked_by_picture"
    for word in ("evokes", "people who look at it", "shares of viewers", "neutral", "ambiguity"):
        assert word in tool.description
    assert "request" not in tool.inputSchema["properties"]
    picture = tool.inputSchema["properties"]["picture"]
    assert "data: URI" in picture["description"]
    assert picture["anyOf"][0]["type"] == "string"
    assert "url" not in json.dumps(picture).replace("urls", "")
    assert tool.inputSchema["required"] == ["picture"]


def test_it_answers_what_rest_answers_and_goes_on_after_a_refusal(server: RunningApp) -> None:
    pictures = [
        data_uri(CAT),
        data_uri(CAT + bytes(LIMIT - len(CAT))),  # more than Gradio, or MCP, would let in
        data_uri(CAT + bytes(LIMIT + 300_000)),
        data_uri(CAT + bytes(2 * LIMIT)),  # more than the gate lets in
        "https://example.org/cat.jpg",
        "hello",
        "data:text/plain,hello",
        data_uri(CAT),
    ]

    async def ask(client: Any) -> Any:
        name = "emotions_evoked_by_picture"
        return [await client.call_tool(name, {"picture": picture}) for picture in pictures]

    answers = talk(server, ask)

    expected = server.predict(CAT).json()
    refused = [answer.isError for answer in answers]
    assert refused == [False, False, True, True, True, True, True, False]
    texts = [answer.content[0].text for answer in answers]
    for number in (0, 1, 7):
        assert json.loads(texts[number]) == expected
    assert texts[2].startswith("The file has 4.3 MB; the limit is 4 MB")
    assert texts[3] == "This request is too large: a picture may have at most 4 MB."
    assert texts[4].startswith("No addresses are fetched here")
    assert texts[5].startswith("This app has no such upload")
    assert texts[6].startswith("This file is not a picture")


def test_an_upload_is_a_picture_too(server: RunningApp) -> None:
    files = {"files": ("cat.jpg", CAT)}
    (path,) = httpx.post(f"{server.url}/gradio_api/upload", files=files, timeout=60).json()

    async def ask(client: Any) -> Any:
        return await client.call_tool("emotions_evoked_by_picture", {"picture": path})

    answer = talk(server, ask)
    assert json.loads(answer.content[0].text) == server.predict(CAT).json()


def test_nothing_of_it_touches_the_disk(server: RunningApp) -> None:
    before = {path for path in server.folder.rglob("*") if path.is_file()}

    async def ask(client: Any) -> Any:
        return await client.call_tool("emotions_evoked_by_picture", {"picture": data_uri(CAT)})

    assert not talk(server, ask).isError
    assert {path for path in server.folder.rglob("*") if path.is_file()} <= before


def test_in_a_space() -> None:
    async def look_and_ask(client: Any) -> Any:
        (tool,) = (await client.list_tools()).tools
        return tool.name, await client.call_tool(tool.name, {"picture": data_uri(CAT)})

    with SpaceApp() as space:
        space.wait_until_ready()
        name, answer = talk(space, look_and_ask)
        expected = space.predict(CAT).json()

    assert name == f"{NAME}_emotions_evoked_by_picture"
    assert json.loads(answer.content[0].text) == expected
