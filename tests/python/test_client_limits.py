"""Retries and deadlines: those of a client, of a call, and of `with_options`."""

import time
from datetime import timedelta

import pytest

import llm2api

from in_process import begun, released
from programs import CHAT_UI_V2, OPENAI
from test_openai_errors import refusal

KEYS = ["sk-1", "sk-2", "sk-3"]
HANG_MS = 60_000
SOON = 0.3
# Far below what a call would take that the limit does not end.
IN_TIME = 5.0
TIMEOUTS = pytest.mark.parametrize("limit", [SOON, timedelta(seconds=SOON)], ids=["s", "delta"])


def refusing(over_by_door, **settings):
    """An upstream that refuses all chats, and a client with several accounts to try."""
    scene = over_by_door(OPENAI)
    scene.simulator.options(api_keys=KEYS)
    scene.simulator.incident(503)
    return scene, scene.client(credentials=KEYS, **settings)


def tries(scene, call) -> int:
    """How many times a chat that fails is sent."""
    with pytest.raises(llm2api.InternalServerError) as caught:
        call()
    assert caught.value.status_code == 503
    return len(scene.sent())


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_refusal_is_followed_by_another_try(over_by_door, stream):
    scene = over_by_door(OPENAI)
    scene.simulator.script(refusal(429, "busy", **{"retry-after": "1"}))
    answer = scene.client().chat("ECHO:yes", model=scene.model, stream=stream)
    assert ("".join(chunk.text for chunk in answer) if stream else answer.text) == "yes"
    assert len(scene.sent()) == 2


def test_two_retries_are_the_default(over_by_door):
    scene, client = refusing(over_by_door)
    assert tries(scene, lambda: client.chat("Hello", model=scene.model)) == 3


@pytest.mark.parametrize("retries", [0, 1, 2])
def test_the_clients_number_of_retries_counts(over_by_door, retries):
    scene, client = refusing(over_by_door, max_retries=retries)
    assert tries(scene, lambda: client.chat("Hello", model=scene.model)) == retries + 1


WAYS = [
    ("the client's", {"max_retries": 0}, {}, {}, 1),
    ("the call's over the client's", {"max_retries": 0}, {}, {"max_retries": 2}, 3),
    ("the options' over the client's", {"max_retries": 0}, {"max_retries": 1}, {}, 2),
    ("the call's over the options'", {}, {"max_retries": 1}, {"max_retries": 0}, 1),
    ("the client's beside other options", {"max_retries": 1}, {"timeout": 60}, {}, 2),
    ("none is not given", {"max_retries": 1}, {}, {"max_retries": None}, 2),
]


@pytest.mark.parametrize(
    ("settings", "options", "fields", "wanted"),
    [way[1:] for way in WAYS],
    ids=[way[0] for way in WAYS],
)
def test_the_nearest_number_of_retries_counts(over_by_door, settings, options, fields, wanted):
    scene, client = refusing(over_by_door, **settings)
    client = client.with_options(**options).with_options()
    assert tries(scene, lambda: client.chat("Hello", model=scene.model, **fields)) == wanted


def test_what_would_not_help_is_not_tried_again(over_by_door):
    scene = over_by_door(OPENAI)
    scene.simulator.script(refusal(400, "wrong"))
    with pytest.raises(llm2api.BadRequestError):
        scene.client().chat("Hello", model=scene.model)
    assert len(scene.sent()) == 1


def limited(call) -> None:
    since = time.monotonic()
    with pytest.raises(llm2api.APITimeoutError) as caught:
        call()
    assert SOON * 0.9 < time.monotonic() - since < IN_TIME
    assert (caught.value.status_code, caught.value.code) == (504, "total_timeout")


@TIMEOUTS
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_call_ends_at_its_timeout_and_the_upstream_is_free(over_by_door, limit, stream):
    scene = over_by_door(CHAT_UI_V2)
    scene.simulator.options(token_delay=HANG_MS)
    ask = {"model": scene.model, "stream": stream}
    limited(lambda: scene.client(timeout=limit).chat("Hello", **ask))
    released(scene.simulator)
    limited(lambda: scene.client().with_options(timeout=limit).chat("Hello", **ask))
    released(scene.simulator, stops=2)
    limited(lambda: scene.client(timeout=60).chat("Hello", **ask, timeout=limit))
    released(scene.simulator, stops=3)


def test_a_stream_ends_at_its_timeout_behind_what_came(over_by_door):
    scene = over_by_door(CHAT_UI_V2)
    client = scene.client(timeout=2.0)
    stream = begun(client, scene.model)
    with pytest.raises(llm2api.APITimeoutError) as caught:
        list(stream)
    assert caught.value.code == "total_timeout"
    released(scene.simulator)


def test_a_longer_timeout_of_a_call_counts_over_the_clients(over_by_door):
    scene = over_by_door(OPENAI)
    client = scene.client(timeout=SOON)
    assert client.chat("SLOW", model=scene.model, timeout=60).finish_reason == "stop"
    assert client.with_options(timeout=60).chat("SLOW", model=scene.model).finish_reason == "stop"
    limited(lambda: client.chat("SLOW", model=scene.model))


def test_a_timeout_that_is_none_is_refused(over_by_door):
    client = over_by_door(OPENAI).client()
    for wrong in (-1, float("nan"), timedelta(seconds=-1)):
        with pytest.raises(ValueError, match="timeout"):
            client.chat("Hello", model="x", timeout=wrong)
    for wrong in ("soon", [1]):
        with pytest.raises((TypeError, ValueError)):
            client.chat("Hello", model="x", timeout=wrong)
    with pytest.raises(ValueError, match="max_retries"):
        client.chat("Hello", model="x", max_retries=-1)


def test_options_make_another_client_of_the_same_pool(over_by_door):
    scene = over_by_door(OPENAI)
    client = scene.client()
    other = client.with_options(timeout=60)
    assert type(getattr(other, "inner", other)) is type(getattr(client, "inner", client))
    assert other.chat("Hello", model=scene.model).text
    assert [one.requests for one in client.pool()] == [1]
    assert [one.id for one in other.pool()] == [one.id for one in client.pool()]
