"""What the holder of a client key meets, through the official packages."""

import time
from typing import Any, Iterator

import anthropic
import openai
import pytest

from operator_calls import SETTINGS, Operator, operator
from programs import DEMO, LLAMA, OPENAI, Stage

HELLO = [{"role": "user", "content": "Hello"}]


@pytest.fixture
def stage(play) -> Stage:
    return play(DEMO, **SETTINGS)


@pytest.fixture
def desk(stage) -> Operator:
    return operator(stage)


@pytest.fixture
def holder(stage, desk, connect):
    """Makes a key, and a client that holds it."""

    def make(**fields: Any) -> tuple[str, openai.OpenAI]:
        issued = desk.done("/key/create", **fields)
        return issued["id"], connect(stage, api_key=issued["key"])

    return make


def chat(client: openai.OpenAI, model: str = "demo", **fields: Any):
    return client.chat.completions.create(model=model, messages=HELLO, **fields)


def test_a_limit_is_a_rate_limit_error_and_told_before(holder):
    _, client = holder(requests_per_minute=2, tokens_per_day=10_000)
    create = client.chat.completions.with_raw_response.create
    first = create(model="demo", messages=HELLO)
    assert first.parse().choices[0].message.content
    left = {name: value for name, value in first.headers.items() if "x-ratelimit" in name}
    assert left["x-ratelimit-limit-requests"] == "2"
    assert left["x-ratelimit-remaining-requests"] == "1"
    assert left["x-ratelimit-reset-requests"].endswith("s")
    assert left["x-ratelimit-limit-tokens"] == "10000"
    assert 0 < int(left["x-ratelimit-remaining-tokens"]) < 10_000
    streamed = create(model="demo", messages=HELLO, stream=True)
    assert streamed.headers["x-ratelimit-remaining-requests"] == "0"
    assert list(streamed.parse())
    with pytest.raises(openai.RateLimitError) as caught:
        chat(client)
    assert caught.value.code == "rate_limit_exceeded"
    assert caught.value.response.headers["x-ratelimit-remaining-requests"] == "0"
    assert 1 <= int(caught.value.response.headers["retry-after"]) <= 60


def test_a_place_is_free_again_once_its_stream_is_closed(play, connect):
    stage = play(OPENAI, **SETTINGS)
    key = operator(stage).done("/key/create", concurrency=1)["key"]
    client = connect(stage, api_key=key)
    # It has not come to its end when its client leaves.
    long = [{"role": "user", "content": "LONGRUN SLOW"}]
    with client.chat.completions.create(model=stage.model, messages=long, stream=True) as stream:
        next(iter(stream))
        with pytest.raises(openai.RateLimitError) as caught:
            chat(client, stage.model)
        assert caught.value.code == "concurrency_limit_exceeded"
        assert caught.value.response.headers["retry-after"] == "1"
    # The server notices within a second; the package waits as long as it is told.
    patient = connect(stage, api_key=key, max_retries=5)
    assert chat(patient, stage.model).choices


def test_tokens_of_a_day_are_a_quota(holder, desk):
    identity, client = holder(tokens_per_day=5)
    took = chat(client).usage.total_tokens
    assert took > 5
    [entry] = desk.get("/keys").json()["data"]
    assert (entry["id"], entry["tokens_today"]) == (identity, took)
    with pytest.raises(openai.RateLimitError) as caught:
        chat(client)
    assert caught.value.code == "insufficient_quota"
    desk.done("/key/update", id=identity, tokens_per_day=None)
    assert chat(client).choices


def test_a_model_that_is_not_its_is_forbidden_and_not_listed(holder, desk):
    identity, client = holder(models=["other*"])
    assert [model.id for model in client.models.list()] == []
    for ask in (lambda: chat(client), lambda: client.models.retrieve("demo")):
        with pytest.raises(openai.PermissionDeniedError) as caught:
            ask()
        assert caught.value.code == "model_not_allowed"
    with pytest.raises(openai.PermissionDeniedError):
        client.responses.create(model="demo", input="Hello")
    desk.done("/key/update", id=identity, models=["demo"])
    assert [model.id for model in client.models.list()] == ["demo"]
    assert chat(client).choices


def test_a_key_that_is_over_says_so(stage, holder, desk, connect):
    identity, client = holder()
    assert chat(client).choices
    second = connect(stage, api_key=desk.done("/key/rotate", id=identity, grace="1m")["key"])
    assert chat(client).choices and chat(second).choices
    third = connect(stage, api_key=desk.done("/key/rotate", id=identity)["key"])
    desk.done("/key/revoke", id=identity)
    for client, code in ((client, "invalid_api_key"), (third, "api_key_revoked")):
        with pytest.raises(openai.AuthenticationError) as caught:
            chat(client)
        assert caught.value.code == code
    _, short = holder(expires="1s")
    deadline = time.monotonic() + 10
    with pytest.raises(openai.AuthenticationError) as caught:
        while time.monotonic() < deadline:
            chat(short)
    assert caught.value.code == "api_key_expired"


@pytest.fixture
def messages(stage, desk) -> Iterator[anthropic.Anthropic]:
    key = desk.done("/key/create", requests_per_minute=1, models=["demo"])["key"]
    with anthropic.Anthropic(base_url=stage.server.origin, api_key=key, max_retries=0) as client:
        yield client


def test_keys_hold_for_messages_too(messages):
    asked = {"max_tokens": 100, "messages": HELLO}
    with pytest.raises(anthropic.PermissionDeniedError):
        messages.messages.create(model="other", **asked)
    assert messages.messages.count_tokens(model="demo", messages=HELLO).input_tokens > 0
    assert messages.messages.create(model="demo", **asked).content
    with pytest.raises(anthropic.RateLimitError):
        messages.messages.create(model="demo", **asked)


def test_what_an_upstream_counts_is_settled(play, connect):
    stage = play(OPENAI, **SETTINGS)
    desk = operator(stage)
    client = connect(stage, api_key=desk.done("/key/create", tokens_per_day=100_000)["key"])
    took = chat(client, LLAMA).usage.total_tokens
    with chat(client, LLAMA, stream=True, stream_options={"include_usage": True}) as stream:
        took += [chunk.usage.total_tokens for chunk in stream if chunk.usage][-1]
    [entry] = desk.get("/keys").json()["data"]
    assert entry["tokens_today"] == took
