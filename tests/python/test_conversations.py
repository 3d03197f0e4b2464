"""A chat goes on in the chat-ui conversation that it has come to."""

import pytest

from programs import CHAT_UI_2024, CHAT_UI_V2

CHAT_UI = pytest.mark.parametrize("upstream", [CHAT_UI_V2, CHAT_UI_2024], ids=str)


@CHAT_UI
def test_a_chat_sends_what_is_new_to_its_conversation(play, connect, upstream):
    stage = play(upstream, CONVERSATIONS="reuse")
    client = connect(stage)
    asked = ["Hello", "And then?", "Is that all?"]
    messages = []
    for text in asked:
        messages.append({"role": "user", "content": text})
        answer = client.chat.completions.create(model=stage.model, messages=messages)
        messages.append(answer.choices[0].message.model_dump(exclude_none=True))
    [conversation] = stage.simulator.snapshot()["conversations"]
    sent = [one["content"] for one in conversation["messages"] if one["from"] == "user"]
    assert sent == asked


@CHAT_UI
def test_an_edit_forks(play, connect, upstream):
    stage = play(upstream, CONVERSATIONS="reuse")
    client = connect(stage)
    history = [{"role": "user", "content": "Hello"}]
    answer = client.chat.completions.create(model=stage.model, messages=history)
    history.append(answer.choices[0].message.model_dump(exclude_none=True))
    for text in ["And then?", "And before?"]:
        last = {"role": "user", "content": text}
        client.chat.completions.create(model=stage.model, messages=[*history, last])
    [conversation] = stage.simulator.snapshot()["conversations"]
    [first, *others] = [one for one in conversation["messages"] if one["from"] == "user"]
    assert [one["content"] for one in others] == ["And then?", "And before?"]
    above = [one["ancestors"][-1] for one in others]
    assert above[0] == above[1] != first["id"]
