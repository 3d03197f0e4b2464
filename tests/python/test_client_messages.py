"""What may be asked: texts, dicts, earlier answers, other packages' objects, pictures and tools."""

import base64
import json
from collections import OrderedDict
from types import MappingProxyType

import openai
import pytest
from openai.types.chat import ChatCompletionMessage
from pydantic import BaseModel

import llm2api

from in_process import text_of
from programs import CHAT_UI_2024, CHAT_UI_V2, DEMO, OPENAI

CHAT_UI = pytest.mark.parametrize("upstream", [CHAT_UI_V2, CHAT_UI_2024], ids=str)
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Tells how warm it is.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}


class City(BaseModel):
    name: str
    km2: int


def user(content) -> dict:
    return {"role": "user", "content": content}


def put_together(pieces) -> tuple[str, str]:
    """The id of a call and its arguments, of the pieces that it came in."""
    assert {piece.index for piece in pieces} == {0}
    assert pieces[0].id and {piece.id for piece in pieces[1:]} <= {None, pieces[0].id}
    return pieces[0].id, "".join(piece.function.arguments or "" for piece in pieces)


def given(client, model: str, messages) -> list:
    """What the model was given, as it says itself."""
    return json.loads(client.chat(messages, model=model).text)


def test_a_text_is_one_question(over_by_door):
    scene = over_by_door(OPENAI)
    client = scene.client()
    question = "PROMPT Größe 🙂"
    for messages in (question, [user(question)]):
        assert given(client, scene.model, messages) == [user(question)]


def test_messages_may_be_any_mapping_and_come_from_anywhere(over_by_door):
    scene = over_by_door(OPENAI)
    client = scene.client()
    last = user("PROMPT")
    system = {"role": "system", "content": "Be brief."}
    for messages in (
        (system, last),
        [OrderedDict(system), MappingProxyType(last)],
        (dict(one) for one in (system, last)),
        {1: system, 2: last}.values(),
    ):
        assert given(client, scene.model, messages) == [system, last]


def test_an_earlier_answer_goes_back_as_it_came(over_by_door):
    scene = over_by_door(OPENAI)
    client = scene.client()
    answer = client.chat("ECHO:It is dark.", model=scene.model)
    history = [user("What?"), answer.choices[0].message, user("PROMPT")]
    told = given(client, scene.model, history)
    assert told[1] == {"role": "assistant", "content": "It is dark."}
    assert client.chat(iter(history), model=scene.model).text


def test_objects_of_the_openai_package_are_taken(over_by_door):
    scene = over_by_door(OPENAI)
    client = scene.client()
    said = ChatCompletionMessage(role="assistant", content="It is dark.")
    told = given(client, scene.model, [user("What?"), said, user("PROMPT")])
    assert told[1] == {"role": "assistant", "content": "It is dark."}
    tool = openai.pydantic_function_tool(City)
    answer = client.chat("TOOL", model=scene.model, tools=[tool], stop=("END",))
    assert answer.choices[0].message.tool_calls[0].function.name == "City"
    assert scene.sent()[-1]["tools"] == [json.loads(json.dumps(tool))]


def test_a_chat_goes_on_in_its_conversation(over_by_door):
    scene = over_by_door(CHAT_UI_V2)
    client = scene.client(conversations="reuse")
    history = []
    for text in ("Hello", "And then?", "Is that all?"):
        history.append(user(text))
        history.append(client.chat(history, model=scene.model).choices[0].message)
    [conversation] = scene.simulator.snapshot()["conversations"]
    sent = [one["content"] for one in conversation["messages"] if one["from"] == "user"]
    assert sent == ["Hello", "And then?", "Is that all?"]


def test_a_model_may_be_named_with_its_upstream(scripted_scene):
    client = scripted_scene.client()
    [model] = [one for one in client.models() if one.id == scripted_scene.model]
    named = f"{model.owned_by}/{scripted_scene.model}"
    answers = [client.chat("Hello", model=name).text for name in (named, scripted_scene.model)]
    assert answers[0] == answers[1]


def test_what_has_no_json_is_refused_by_its_type(over_by_door):
    scene = over_by_door(DEMO)
    client = scene.client()
    for wrong in (object(), b"bytes", 3 + 4j):
        with pytest.raises(TypeError, match=f"{type(wrong).__name__} cannot be sent"):
            client.chat([user(wrong)], model="demo")
    for name in ("extra_headers", "extra_query"):
        with pytest.raises(TypeError, match=name):
            client.chat("Hello", model="demo", **{name: {"a": "b"}})
        assert client.chat("Hello", model="demo", **{name: None}).text


@pytest.mark.parametrize("upstream", [CHAT_UI_V2, OPENAI], ids=str)
def test_a_picture_reaches_the_upstream_byte_by_byte(over_by_door, upstream):
    scene = over_by_door(upstream)
    url = f"data:image/png;base64,{base64.b64encode(PICTURE).decode()}"
    parts = [{"type": "text", "text": "PROMPT"}, {"type": "image_url", "image_url": {"url": url}}]
    [*_, message] = given(scene.client(), "mock/vision-1", [user(parts)])
    [seen] = [part for part in message["content"] if part["type"] == "image_url"]
    _, _, data = seen["image_url"]["url"].partition("base64,")
    assert base64.b64decode(data) == PICTURE


def test_native_tools_make_a_whole_loop(over_by_door):
    scene = over_by_door(OPENAI)
    client = scene.client()
    ask = {"model": scene.model, "tools": [WEATHER]}
    history = [user("TOOL How warm is it in Bern?")]
    answer = client.chat(history, **ask)
    assert answer.finish_reason == "tool_calls"
    message = answer.choices[0].message
    [call] = message.tool_calls
    assert (call.type, call.function.name) == ("function", "weather")
    assert isinstance(json.loads(call.function.arguments), dict)
    history += [message, {"role": "tool", "tool_call_id": call.id, "content": "18 C"}]
    assert client.chat(history, **ask).finish_reason == "stop"
    [_, made, result] = scene.sent()[-1]["messages"]
    assert made["tool_calls"] == [call.model_dump(exclude_none=True)]
    assert result["tool_call_id"] == call.id


def test_calls_come_in_pieces_that_make_them_up(over_by_door):
    scene = over_by_door(OPENAI)
    chunks = list(scene.client().chat("TOOL", model=scene.model, tools=[WEATHER], stream=True))
    deltas = [choice.delta for chunk in chunks for choice in chunk.choices]
    pieces = [piece for delta in deltas for piece in delta.tool_calls or []]
    assert (pieces[0].type, pieces[0].function.name) == ("function", "weather")
    _, arguments = put_together(pieces)
    assert isinstance(json.loads(arguments), dict)
    assert chunks[-1].finish_reason == "tool_calls"


@CHAT_UI
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_emulated_tools_make_a_whole_loop(over_by_door, upstream, stream):
    scene = over_by_door(upstream)
    call = {"name": "weather", "arguments": {"city": "Zürich 🙂"}}
    written = json.dumps(call, ensure_ascii=False)
    for said in (f"I look. <tool_call>\n{written}\n</tool_call>", "18 degrees."):
        scene.simulator.script({"answer": said})
    client, ask = scene.client(), {"model": scene.model, "tools": [WEATHER]}
    history = [user("How warm is it in Zürich?")]
    if stream:
        chunks = list(client.chat(history, **ask, stream=True))
        deltas = [choice.delta for chunk in chunks for choice in chunk.choices]
        pieces = [piece for delta in deltas for piece in delta.tool_calls or []]
        assert chunks[-1].finish_reason == "tool_calls"
        assert "<" not in text_of(chunks)
        identity, arguments = put_together(pieces)
        call = {"name": pieces[0].function.name, "arguments": arguments}
        calls = [{"id": identity, "type": "function", "function": call}]
        made = {"role": "assistant", "content": None, "tool_calls": calls}
    else:
        made = client.chat(history, **ask).choices[0].message
        [call] = made.tool_calls
        identity, arguments = call.id, call.function.arguments
    assert json.loads(arguments) == {"city": "Zürich 🙂"}
    history += [made, {"role": "tool", "tool_call_id": identity, "content": "18 C"}]
    assert client.chat(history, **ask).text == "18 degrees."


@CHAT_UI
def test_an_answer_keeps_to_a_schema(over_by_door, upstream):
    scene = over_by_door(upstream)
    for said in ('Sure:\n```json\n{"name": "Oslo"}\n```', '{"name": "Oslo", "km2": 454}') * 2:
        scene.simulator.script({"answer": said})
    schema = {"name": "City", "schema": City.model_json_schema(), "strict": True}
    form = {"type": "json_schema", "json_schema": schema}
    client, ask = scene.client(), {"model": scene.model, "response_format": form}
    whole = client.chat("How large is Oslo?", **ask).text
    streamed = text_of(client.chat("How large is Oslo?", **ask, stream=True))
    for said in (whole, streamed):
        assert City.model_validate_json(said, strict=True) == City(name="Oslo", km2=454)
    assert scene.simulator.snapshot()["generations"] == 4, "what did not fit was asked for again"


@CHAT_UI
def test_an_answer_ends_at_its_limits(over_by_door, upstream):
    scene = over_by_door(upstream)
    client, ask = scene.client(), {"model": scene.model}
    stopped = client.chat("ECHO:one END two", **ask, stop="END")
    assert (stopped.text, stopped.finish_reason) == ("one ", "stop")
    short = client.chat("LONGRUN", **ask, max_completion_tokens=5)
    assert short.finish_reason == "length"
    assert 0 < short.usage.completion_tokens <= 5 and short.usage.llm2api_estimated
