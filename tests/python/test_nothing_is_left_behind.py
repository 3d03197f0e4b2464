"""What a chat creates upstream is gone afterwards, also when the client left in the middle."""

import pytest
import requests

from programs import CHAT_UI_2024, CHAT_UI_V2, SIMULATED
from wire import body, complete, events, post, stream

CHAT_UI = pytest.mark.parametrize("upstream", [CHAT_UI_V2, CHAT_UI_2024], ids=str)
COOKIE = {"Cookie": "hf-chat=cookie-of-ann"}


def is_tidy(snapshot) -> bool:
    return not snapshot["conversations"] and not snapshot["running"]


def leave_in_the_middle(stage) -> None:
    """Reads a first piece of text of a long, slow answer and closes the connection."""
    payload = body(stage.model, "SLOW LONGRUN", stream=True)
    with post(stage.chat_url, payload, stream=True) as answer:
        for data in events(answer):
            if '"content":"Hello"' in data:
                return
    raise AssertionError("the answer ended before its text began")


@CHAT_UI
def test_no_conversation_is_left_after_chats(play, upstream):
    stage = play(upstream)
    complete(stage.chat_url, body(stage.model, "Hello"))
    stream(stage.chat_url, body(stage.model, "Hello"))
    snapshot = stage.simulator.wait_for(is_tidy)
    assert snapshot["generations"] == 2
    assert len(set(snapshot["deleted"])) == 2
    assert snapshot["stop_calls"] == []
    assert snapshot["aborted_streams"] == 0


@CHAT_UI
@pytest.mark.parametrize("word", ["ERR429", "ERR500", "MIDERR", "MIDCUT", "EMPTY"])
def test_no_conversation_is_left_after_a_failure(play, upstream, word):
    stage = play(upstream)
    for streamed in (False, True):
        post(stage.chat_url, body(stage.model, word, stream=streamed))
    snapshot = stage.simulator.wait_for(is_tidy)
    assert snapshot["generations"] >= 1
    assert snapshot["deleted"]


def test_a_client_that_leaves_is_followed_by_one_stop_and_one_deletion(play):
    stage = play(CHAT_UI_V2)
    leave_in_the_middle(stage)
    snapshot = stage.simulator.wait_for(lambda log: log["stop_calls"] and is_tidy(log))
    [stop] = snapshot["stop_calls"]
    assert stop["running"]
    assert stop["generation"]
    assert len(snapshot["deleted"]) == 1
    assert snapshot["generations"] == 1


def test_a_client_that_leaves_the_older_family_leaves_no_conversation(play):
    stage = play(CHAT_UI_2024)
    leave_in_the_middle(stage)
    snapshot = stage.simulator.wait_for(lambda log: log["deleted"])
    # That family goes on to the end whatever it is told; only the conversation can be taken away.
    assert snapshot["conversations"] == []
    assert len(snapshot["deleted"]) == 1


@CHAT_UI
def test_a_client_that_leaves_a_whole_answer_leaves_no_conversation(play, upstream):
    stage = play(upstream)
    payload = body(stage.model, "SLOW LONGRUN")
    with pytest.raises(requests.ReadTimeout):
        requests.post(stage.chat_url, json=payload, timeout=1)
    snapshot = stage.simulator.wait_for(lambda log: log["deleted"])
    assert snapshot["conversations"] == []
    assert snapshot["generations"] == 1


@pytest.mark.parametrize("upstream", SIMULATED, ids=str)
def test_a_client_that_leaves_frees_its_place(play, upstream):
    stage = play(upstream, MAX_CONCURRENCY_PER_CREDENTIAL="1", QUEUE_TIMEOUT="5s")
    leave_in_the_middle(stage)
    assert complete(stage.chat_url, body(stage.model, "Hello"))["choices"]
    stage.simulator.wait_for(lambda log: log["aborted_streams"] == 1)


def test_a_conversation_of_the_account_itself_is_not_touched(play):
    stage = play(CHAT_UI_V2)
    url = f"{stage.simulator.url}/conversation"
    own = requests.post(url, json={"model": stage.model}, headers=COOKIE, timeout=10)
    assert own.status_code == 200, own.text
    complete(stage.chat_url, body(stage.model, "Hello"))
    leave_in_the_middle(stage)
    snapshot = stage.simulator.wait_for(lambda log: len(log["deleted"]) == 2)
    [left] = snapshot["conversations"]
    assert left["id"] == own.json()["conversationId"]


@CHAT_UI
def test_a_server_that_ends_cleans_up_first(play, upstream):
    stage = play(upstream)
    complete(stage.chat_url, body(stage.model, "Hello"))
    stage.server.stop()
    assert stage.simulator.snapshot()["conversations"] == []
