"""The official `openai` package's Responses work, and its types know everything that is sent."""

import base64
import json

import openai
import pytest
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import BaseModel

from programs import DEMO, OPENAI
from strict import stream, validate, whole
from test_openai_errors import BREAKS
from wire import failure, post

PIXEL = "data:image/png;base64," + base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()
LOOK = {
    "type": "function",
    "name": "look",
    "description": "Looks something up.",
    "parameters": {
        "type": "object",
        "properties": {"q": {"type": "string"}},
        "required": ["q"],
        "additionalProperties": False,
    },
    "strict": True,
}
WITH_TOOLS = (DEMO, OPENAI)


def url(stage) -> str:
    return f"{stage.base_url}/responses"


def text_of(response) -> str:
    messages = [item for item in response["output"] if item["type"] == "message"]
    parts = [part for message in messages for part in message["content"]]
    return "".join(part["text"] for part in parts)


def replayed(events) -> list[dict]:
    """Puts the items together from the events alone, and checks that they are in order."""
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert [event["type"] for event in events[:2]] == ["response.created", "response.in_progress"]
    items, texts, done = {}, {}, []
    for event in events[2:-1]:
        at, kind = event["output_index"], event["type"]
        if kind == "response.output_item.added":
            assert at == len(items)
            assert event["item"]["status"] == "in_progress"
            items[at], texts[at] = event["item"]["id"], ""
        elif kind == "response.output_item.done":
            assert event["item"]["id"] == items[at]
            done.append((at, event["item"]))
        else:
            assert event["item_id"] == items[at]
            if kind.endswith(".delta"):
                texts[at] += event["delta"]
            elif kind.endswith((".output_text.done", "_text.done")):
                assert event["text"] == texts[at]
            elif kind.endswith("arguments.done"):
                assert event["arguments"] == texts[at]
    assert [at for at, _ in done] == list(range(len(items)))
    return [item for _, item in done]


def test_an_answer_is_a_response(stage):
    body = {"model": stage.model, "input": "Hello", "instructions": "Be brief."}
    response = whole(url(stage), {**body, "metadata": {"a": "b"}, "store": True}, Response)
    assert response["status"] == "completed"
    assert response["error"] is None and response["incomplete_details"] is None
    assert response["instructions"] == "Be brief."
    assert response["metadata"] == {"a": "b"}
    assert response["store"] is False
    assert response["model"] == stage.model
    assert "Hello" in text_of(response)
    usage = response["usage"]
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"] > 0


def test_a_stream_is_made_of_events_that_say_the_same(stage):
    events = stream(url(stage), {"model": stage.model, "input": "Hello"}, ResponseStreamEvent)
    last = events[-1]
    assert last["type"] == "response.completed"
    assert last["response"]["output"] == replayed(events)
    assert last["response"]["usage"]["total_tokens"] > 0
    assert len([event for event in events if event["type"].endswith("text.delta")]) > 1
    answer = whole(url(stage), {"model": stage.model, "input": "Hello"}, Response)
    assert text_of(last["response"]) == text_of(answer)


def test_the_package_asks_and_streams(stage, connect):
    client = connect(stage)
    response = client.responses.create(model=stage.model, input="Hello")
    assert "Hello" in response.output_text
    with client.responses.stream(model=stage.model, input="Hello") as events:
        deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
        final = events.get_final_response()
    assert "".join(deltas) == final.output_text == response.output_text


def test_a_history_reaches_the_model(play):
    stage = play(OPENAI)
    items = [
        {"role": "user", "content": "Hello"},
        {"type": "reasoning", "id": "rs_1", "summary": []},
        {
            "type": "message",
            "id": "msg_1",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": "Hi.", "annotations": []}],
        },
        {"role": "user", "content": [{"type": "input_text", "text": "PROMPT"}]},
    ]
    body = {"model": stage.model, "input": items, "instructions": "Be brief."}
    response = whole(url(stage), body, Response)
    assert json.loads(text_of(response)) == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Hi."},
        {"role": "user", "content": "PROMPT"},
    ]


@pytest.mark.parametrize("upstream", WITH_TOOLS, ids=str)
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_a_tool_is_called_and_answers(play, upstream, streamed):
    stage = play(upstream)
    body = {"model": stage.model, "input": "TOOL please", "tools": [LOOK]}
    if streamed:
        events = stream(url(stage), body, ResponseStreamEvent)
        response = events[-1]["response"]
        assert response["output"] == replayed(events)
    else:
        response = whole(url(stage), body, Response)
    assert response["status"] == "completed"
    assert response["tools"] == [LOOK]
    [call] = [item for item in response["output"] if item["type"] == "function_call"]
    assert call["name"] == "look" and call["call_id"]
    assert isinstance(json.loads(call["arguments"])["q"], str)

    answer = {"type": "function_call_output", "call_id": call["call_id"], "output": "found it"}
    turns = [{"role": "user", "content": "TOOL please"}, *response["output"], answer]
    again = whole(url(stage), {**body, "input": turns}, Response)
    assert text_of(again)
    if upstream is DEMO:
        assert "found it" in text_of(again)


@pytest.mark.parametrize("upstream", WITH_TOOLS, ids=str)
def test_the_package_reads_calls(play, connect, upstream):
    stage = play(upstream)
    tool = openai.pydantic_function_tool(Look, name="look")["function"]
    offer = {"type": "function", **{name: tool[name] for name in ("name", "parameters", "strict")}}
    arguments = {"model": stage.model, "input": "TOOL please", "tools": [offer]}
    with connect(stage).responses.stream(**arguments) as events:
        response = events.get_final_response()
    [call] = [item for item in response.output if item.type == "function_call"]
    assert call.parsed_arguments == json.loads(call.arguments)
    assert set(call.parsed_arguments) == {"q"}


class Look(BaseModel):
    """Looks something up."""

    q: str


def test_a_schema_is_passed_on_and_parsed(play, connect):
    stage = play(OPENAI)
    response = connect(stage).responses.parse(
        model=stage.model, input='ECHO:{"q":"x"}', text_format=Look
    )
    assert response.output_parsed == Look(q="x")
    sent = json.loads(stage.simulator.snapshot()["requests"][-1]["body"])
    assert sent["response_format"]["json_schema"]["name"] == "Look"


def test_reasoning_is_an_item_of_its_own(play):
    stage = play(OPENAI)
    body = {"model": stage.model, "input": "THINK"}
    for reasoning in [None, {"summary": "auto"}]:
        asked = {**body, "reasoning": reasoning}
        events = stream(url(stage), asked, ResponseStreamEvent)
        [thought, said] = events[-1]["response"]["output"]
        assert [thought, said] == replayed(events)
        assert whole(url(stage), asked, Response)["output"][0]["type"] == "reasoning"
        parts = thought["summary"] if reasoning else thought["content"]
        assert [part["text"] for part in parts] == ["Let me think about\n\nthis."]
        assert "think" not in text_of(events[-1]["response"])


def test_an_answer_that_is_too_long_is_incomplete(play):
    stage = play(OPENAI)
    body = {"model": stage.model, "input": "Hello", "max_output_tokens": 3}
    events = stream(url(stage), body, ResponseStreamEvent)
    assert events[-1]["type"] == "response.incomplete"
    for response in [events[-1]["response"], whole(url(stage), body, Response)]:
        assert response["status"] == "incomplete"
        assert response["incomplete_details"] == {"reason": "max_output_tokens"}
        assert response["max_output_tokens"] == 3
        assert response["output"][-1]["status"] == "incomplete"


def test_a_picture_and_a_file_are_seen(play):
    stage = play(DEMO)
    content = [
        {"type": "input_text", "text": "Look"},
        {"type": "input_image", "image_url": PIXEL, "detail": "auto"},
        {"type": "input_file", "file_data": "data:text/plain;base64,SGk=", "filename": "a.txt"},
    ]
    body = {"model": "demo", "input": [{"role": "user", "content": content}]}
    assert "2 attachments" in text_of(whole(url(stage), body, Response))


@pytest.mark.parametrize(("upstream", "word"), BREAKS, ids=str)
def test_a_stream_that_breaks_has_failed(play, upstream, word):
    stage = play(upstream)
    events = stream(url(stage), {"model": stage.model, "input": word}, ResponseStreamEvent)
    kinds = [event["type"] for event in events]
    assert kinds[-1] == "response.failed"
    assert not {"response.completed", "response.incomplete"} & set(kinds)
    failed = events[-1]["response"]
    assert failed["status"] == "failed"
    assert failed["error"]["code"] == "server_error" and failed["error"]["message"]


REFUSED = [
    ({"previous_response_id": "resp_1"}, "previous_response_id"),
    ({"conversation": "conv_1"}, "conversation"),
    ({"background": True}, "background"),
    ({"input": [{"type": "item_reference", "id": "msg_1"}]}, "input[0]"),
    ({"input": []}, "input"),
]


@pytest.mark.parametrize(("field", "param"), REFUSED, ids=[param for _, param in REFUSED])
def test_what_needs_state_of_the_server_is_refused(play, connect, field, param):
    stage = play(DEMO)
    error = failure(post(url(stage), {"model": "demo", "input": "Hello", **field}), 400)
    assert error["param"] == param
    arguments = {"model": "demo", "input": "Hello", **field}
    with pytest.raises(openai.BadRequestError) as caught:
        connect(stage).responses.create(**arguments)
    assert caught.value.param == param


def test_tools_that_only_a_service_can_run_are_left_out_and_named_or_refused(play):
    asked = {"model": "demo", "input": "Hello", "tools": [{"type": "web_search"}]}
    answer = post(url(play(DEMO)), asked)
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-llm2api-ignored-params"] == "tools"
    error = failure(post(url(play(DEMO, STRICT_PARAMETERS="true")), asked), 400)
    assert error["param"] == "tools[0].type"


def test_errors_travel_in_the_envelope_of_openai(play, connect):
    stage = play(DEMO, API_KEY="sk-ours")
    with pytest.raises(openai.AuthenticationError):
        connect(stage).responses.create(model="demo", input="Hello")
    client = connect(stage, api_key="sk-ours")
    with pytest.raises(openai.NotFoundError) as caught:
        client.responses.create(model="no/such-model", input="Hello")
    assert caught.value.code == "model_not_found"
    headers = {"x-api-key": "sk-ours"}
    failure(post(url(stage), {"model": "demo", "input": "Hello"}, headers=headers), 401)
    failure(post(url(stage), {"model": "demo"}, headers={"authorization": "Bearer sk-ours"}), 400)


def test_fields_that_nobody_knows_are_left_out(play):
    stage = play(DEMO)
    body = {
        "model": "demo",
        "input": "Hello",
        "include": ["reasoning.encrypted_content"],
        "prompt_cache_key": "k",
        "service_tier": "auto",
        "client_metadata": {"a": 1},
        "truncation": "auto",
        "stream_options": {"include_obfuscation": False},
    }
    response = whole(url(stage), body, Response)
    validate(Response, response)
    assert "client_metadata" not in response
