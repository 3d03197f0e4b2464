"""All three dialects over a chat-ui: each body and each event is what the packages' types say, strictly."""

import json

import pytest
from anthropic.types import Message, RawMessageStreamEvent
from openai.types.responses import Response, ResponseStreamEvent

import strict
import wire
from programs import CHAT_UI_2024, CHAT_UI_V2

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}},
    "required": ["name"],
    "additionalProperties": False,
}
FUNCTION = {"name": "weather", "description": "Tells how warm it is.", "parameters": CITY}
CALLS = "I look. " + "".join(
    f"<tool_call>\n{json.dumps({'name': 'weather', 'arguments': {'city': city}})}\n</tool_call>"
    for city in ("Bern", "Zürich 🙂")
)
SAYS = {
    "text": ("Hello Ada.", {}),
    "reasoning": ("<think>Hm.</think>Hello.", {}),
    "calls": (CALLS, {"tools": True}),
    "object": ('Sure: {"name": "Ada"}', {"format": True}),
    "stop": ("One. END two.", {"stop": "END"}),
    "length": ("one two three four five six seven eight nine", {"most": 3}),
}


@pytest.fixture(params=(CHAT_UI_V2, CHAT_UI_2024), ids=str, scope="module")
def stage(request, play_for_module):
    return play_for_module(request.param)


@pytest.fixture(params=SAYS)
def asked(request, stage):
    """What is asked for; the model says its part, whole and streamed."""
    text, wanted = SAYS[request.param]
    for _ in range(2):
        stage.simulator.script({"answer": text})
    return wanted


def chat_body(stage, wanted) -> dict:
    body = wire.body(stage.model, "Hello")
    if wanted.get("tools"):
        body["tools"] = [{"type": "function", "function": FUNCTION}]
    if wanted.get("format"):
        schema = {"name": "person", "schema": PERSON, "strict": True}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    if "stop" in wanted:
        body["stop"] = wanted["stop"]
    if "most" in wanted:
        body["max_completion_tokens"] = wanted["most"]
    return body


def test_g15_chats_are_what_the_types_say(stage, asked):
    body = chat_body(stage, asked)
    [choice] = wire.complete(stage.chat_url, body)["choices"]
    chunks = wire.stream(stage.chat_url, {**body, "stream_options": {"include_usage": True}})
    assert wire.joined(chunks) == (choice["message"]["content"] or "")
    *_, end, usage = chunks
    assert end["choices"][0]["finish_reason"] == choice["finish_reason"]
    assert usage["choices"] == [] and usage["usage"]["llm2api_estimated"] is True
    pieces = [
        piece
        for chunk in chunks
        for each in chunk["choices"]
        for piece in each["delta"].get("tool_calls") or []
    ]
    names = [piece["function"]["name"] for piece in pieces if piece.get("id")]
    assert names == [call["function"]["name"] for call in choice["message"].get("tool_calls") or []]
    assert [piece["index"] for piece in pieces if piece.get("id")] == list(range(len(names)))


def test_g15_responses_are_what_the_types_say(stage, asked):
    body = {"model": stage.model, "input": "Hello"}
    if asked.get("tools"):
        body["tools"] = [{"type": "function", **FUNCTION, "strict": False}]
    if asked.get("format"):
        body["text"] = {"format": {"type": "json_schema", "name": "person", "schema": PERSON}}
    if "most" in asked:
        body["max_output_tokens"] = asked["most"]
    url = f"{stage.base_url}/responses"
    response = strict.whole(url, body, Response)
    *_, last = strict.stream(url, body, ResponseStreamEvent)
    kinds = [item["type"] for item in response["output"]]
    assert kinds == [item["type"] for item in last["response"]["output"]]
    assert last["response"]["status"] == response["status"]
    assert ("function_call" in kinds) == bool(asked.get("tools"))


def test_g15_messages_are_what_the_types_say(stage, asked):
    body = {**wire.body(stage.model, "Hello"), "max_tokens": asked.get("most", 100)}
    if asked.get("tools"):
        tool = {"name": "weather", "description": "Tells how warm it is.", "input_schema": CITY}
        body["tools"] = [tool]
    if "stop" in asked:
        body["stop_sequences"] = [asked["stop"]]
    url = f"{stage.base_url}/messages"
    message = strict.whole(url, body, Message)
    events = strict.stream(url, body, RawMessageStreamEvent)
    [end] = [event for event in events if event["type"] == "message_delta"]
    assert end["delta"]["stop_reason"] == message["stop_reason"]
    if "stop" in asked:
        assert (message["stop_reason"], message["stop_sequence"]) == ("stop_sequence", "END")
    if asked.get("tools"):
        assert message["stop_reason"] == "tool_use"
    if "most" in asked:
        assert message["stop_reason"] == "max_tokens"
