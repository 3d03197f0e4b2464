"""The official `anthropic` package works, and its types know everything that is sent."""

import asyncio
import base64
import json

import anthropic
import pytest
import requests
from anthropic.types import Message, MessageTokensCount, RawMessageStreamEvent
from anthropic.types.shared import ErrorResponse

from programs import CHAT_UI_V2, DEMO, OPENAI
from strict import events, stream, validate, whole
from test_openai_errors import BREAKS, refusal
from wire import TIMEOUT, post

HELLO = [{"role": "user", "content": "Hello"}]
PIXEL = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()
LOOK = {
    "name": "look",
    "description": "Looks something up.",
    "input_schema": {
        "type": "object",
        "properties": {"q": {"type": "string"}},
        "required": ["q"],
    },
}
WITH_TOOLS = (DEMO, OPENAI)


@pytest.fixture
def client(play):
    """Makes clients that do not retry; they are closed before the server."""
    clients = []

    def make(stage, **settings) -> anthropic.Anthropic:
        defaults = {"base_url": stage.server.origin, "api_key": "any", "max_retries": 0}
        clients.append(anthropic.Anthropic(**{**defaults, **settings}))
        return clients[-1]

    yield make
    for each in clients:
        each.close()


def url(stage) -> str:
    return f"{stage.base_url}/messages"


def asking(stage, text: str, **fields):
    messages = [{"role": "user", "content": text}]
    return {"model": stage.model, "max_tokens": 1000, "messages": messages, **fields}


def text_of(content) -> str:
    return "".join(block["text"] for block in content if block["type"] == "text")


def replayed(told) -> list[dict]:
    """Puts the content together from the events alone, and checks that they are in order."""
    assert told[0]["type"] == "message_start"
    assert [event["type"] for event in told[-2:]] == ["message_delta", "message_stop"]
    assert told[0]["message"]["content"] == []
    content, pieces, open_block = [], "", None
    for event in told[1:-2]:
        match event["type"]:
            case "content_block_start":
                assert open_block is None and event["index"] == len(content)
                open_block, pieces = event["index"], ""
                content.append(event["content_block"])
            case "content_block_delta":
                assert event["index"] == open_block
                delta, block = event["delta"], content[open_block]
                match delta["type"]:
                    case "text_delta":
                        block["text"] += delta["text"]
                    case "thinking_delta":
                        block["thinking"] += delta["thinking"]
                    case "signature_delta":
                        block["signature"] = delta["signature"]
                    case "input_json_delta":
                        pieces += delta["partial_json"]
            case "content_block_stop":
                assert event["index"] == open_block
                if content[open_block]["type"] == "tool_use":
                    content[open_block]["input"] = json.loads(pieces or "{}")
                open_block = None
    assert open_block is None
    return content


def failed(answer: requests.Response, status: int, kind: str) -> dict:
    """Checks that an answer is a refusal in the envelope of Messages."""
    assert answer.status_code == status, answer.text
    envelope = answer.json()
    assert set(envelope) == {"type", "error", "request_id"} and envelope["type"] == "error"
    assert set(envelope["error"]) == {"type", "message"}
    assert envelope["error"]["type"] == kind and envelope["error"]["message"]
    assert answer.headers["request-id"] == envelope["request_id"]
    return envelope


def test_an_answer_is_a_message(stage):
    message = whole(url(stage), asking(stage, "Hello"), Message)
    assert message["id"].startswith("msg_")
    assert message["model"] == stage.model
    assert message["stop_reason"] == "end_turn" and message["stop_sequence"] is None
    assert "Hello" in text_of(message["content"])
    assert message["usage"]["input_tokens"] > 0 and message["usage"]["output_tokens"] > 0


def test_a_stream_is_made_of_events_that_say_the_same(stage):
    told = stream(url(stage), asking(stage, "Hello"), RawMessageStreamEvent)
    assert told[0]["message"]["usage"]["input_tokens"] > 0
    assert told[-2]["delta"]["stop_reason"] == "end_turn"
    assert told[-2]["usage"]["output_tokens"] > 0
    assert len([event for event in told if event["type"] == "content_block_delta"]) > 1
    message = whole(url(stage), asking(stage, "Hello"), Message)
    assert text_of(replayed(told)) == text_of(message["content"])


def test_the_package_asks_and_streams(stage, client):
    messages = client(stage).messages
    arguments = {"model": stage.model, "max_tokens": 1000, "messages": HELLO}
    message = messages.create(**arguments)
    assert message.content[0].text and message._request_id.startswith("req_")
    with messages.stream(**arguments) as streamed:
        text = "".join(streamed.text_stream)
        final = streamed.get_final_message()
    assert text == final.content[0].text == message.content[0].text
    assert final.stop_reason == "end_turn"


def test_the_package_streams_in_async_code(play):
    stage = play(DEMO)

    async def said() -> str:
        settings = {"base_url": stage.server.origin, "api_key": "any", "max_retries": 0}
        async with anthropic.AsyncAnthropic(**settings) as client:
            async with client.messages.stream(**asking(stage, "Hello")) as streamed:
                return "".join([text async for text in streamed.text_stream])

    assert "Hello" in asyncio.run(said())


def test_a_history_reaches_the_model(play):
    stage = play(OPENAI)
    turns = [
        {"role": "user", "content": "Hello"},
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "Hm.", "signature": ""},
                {"type": "text", "text": "Hi."},
            ],
        },
        {"role": "user", "content": [{"type": "text", "text": "PROMPT"}]},
    ]
    system = [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}]
    body = {**asking(stage, ""), "messages": turns, "system": system}
    message = whole(url(stage), body, Message)
    assert json.loads(text_of(message["content"])) == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Hi."},
        {"role": "user", "content": "PROMPT"},
    ]


@pytest.mark.parametrize("upstream", WITH_TOOLS, ids=str)
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_a_tool_is_called_and_answers(play, upstream, streamed):
    stage = play(upstream)
    body = asking(stage, "TOOL please", tools=[LOOK], tool_choice={"type": "any"})
    if streamed:
        told = stream(url(stage), body, RawMessageStreamEvent)
        content, reason = replayed(told), told[-2]["delta"]["stop_reason"]
    else:
        message = whole(url(stage), body, Message)
        content, reason = message["content"], message["stop_reason"]
    assert reason == "tool_use"
    [call] = [block for block in content if block["type"] == "tool_use"]
    assert call["name"] == "look" and call["id"]
    assert isinstance(call["input"]["q"], str)

    result = {"type": "tool_result", "tool_use_id": call["id"], "content": "found it"}
    body["messages"] += [
        {"role": "assistant", "content": content},
        {"role": "user", "content": [result]},
    ]
    again = whole(url(stage), body, Message)
    assert again["stop_reason"] == "end_turn" and text_of(again["content"])
    if upstream is DEMO:
        assert "found it" in text_of(again["content"])


@pytest.mark.parametrize("upstream", WITH_TOOLS, ids=str)
def test_the_package_reads_calls(play, client, upstream):
    stage = play(upstream)
    arguments = asking(stage, "TOOL please", tools=[LOOK])
    with client(stage).messages.stream(**arguments) as streamed:
        message = streamed.get_final_message()
    [call] = [block for block in message.content if block.type == "tool_use"]
    assert set(call.input) == {"q"}


def test_reasoning_is_a_block_of_its_own(play):
    stage = play(OPENAI)
    told = stream(url(stage), asking(stage, "THINK"), RawMessageStreamEvent)
    message = whole(url(stage), asking(stage, "THINK"), Message)
    for [thought, said] in [replayed(told), message["content"]]:
        assert thought["type"] == "thinking" and thought["signature"] == ""
        assert thought["thinking"] == "Let me think about\n\nthis."
        assert "think" not in said["text"]


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_an_answer_ends_at_its_limit_and_at_its_stop_sequences(play, streamed):
    stage = play(OPENAI)

    def end(body) -> tuple[str, str]:
        if streamed:
            told = stream(url(stage), body, RawMessageStreamEvent)
            return told[-2]["delta"]["stop_reason"], text_of(replayed(told))
        message = whole(url(stage), body, Message)
        return message["stop_reason"], text_of(message["content"])

    assert end({**asking(stage, "Hello"), "max_tokens": 2}) == ("max_tokens", "Hello from")
    assert end(asking(stage, "Hello", stop_sequences=[" mock"])) == ("end_turn", "Hello from the")


def test_pictures_and_documents_are_seen(play):
    stage = play(DEMO)
    source = {"type": "base64", "media_type": "image/png", "data": PIXEL}
    document = {"type": "base64", "media_type": "application/pdf", "data": "JVBE"}
    content = [
        {"type": "text", "text": "Look"},
        {"type": "image", "source": source},
        {"type": "document", "source": document, "title": "a.pdf"},
    ]
    body = {**asking(stage, ""), "messages": [{"role": "user", "content": content}]}
    assert "2 attachments" in text_of(whole(url(stage), body, Message)["content"])


def test_tokens_are_counted_without_asking_anybody(play, client):
    stage = play(OPENAI)
    messages = client(stage).messages
    few = messages.count_tokens(model=stage.model, messages=HELLO)
    assert 1 <= few.input_tokens < 20
    more = messages.count_tokens(
        model=stage.model, messages=HELLO, tools=[LOOK], system="Be brief and kind."
    )
    assert more.input_tokens > few.input_tokens + 10
    answer = post(f"{url(stage)}/count_tokens", {"model": stage.model, "messages": HELLO})
    validate(MessageTokensCount, answer.json())
    chats = stage.simulator.snapshot()["requests"]
    assert not [each for each in chats if each["path"].endswith("/chat/completions")]


@pytest.mark.parametrize(("upstream", "word"), BREAKS, ids=str)
def test_a_stream_that_breaks_ends_with_an_error(play, client, upstream, word):
    stage = play(upstream)
    told = events(url(stage), asking(stage, word))
    kinds = [event["type"] for event in told]
    assert kinds[-1] == "error" and not {"message_delta", "message_stop"} & set(kinds)
    validate(ErrorResponse, told[-1])
    assert told[-1]["error"]["type"] == "api_error"
    for event in told[:-1]:
        validate(RawMessageStreamEvent, event)
    with pytest.raises(anthropic.APIStatusError):
        with client(stage).messages.stream(**asking(stage, word)) as streamed:
            streamed.get_final_message()


@pytest.mark.parametrize("header", ["x-api-key", "authorization", "both"])
def test_a_key_may_come_in_either_header(play, header):
    stage = play(DEMO, API_KEY="sk-ours")
    headers = {
        "x-api-key": {"x-api-key": "sk-ours"},
        "authorization": {"authorization": "Bearer sk-ours"},
        "both": {"x-api-key": "sk-ours", "authorization": "Bearer sk-of-another"},
    }[header]
    for path in ["", "/count_tokens"]:
        answer = post(url(stage) + path, asking(stage, "Hello"), headers=headers)
        assert answer.status_code == 200, answer.text
    chat = {"model": "demo", "messages": HELLO}
    others = {"x-api-key": "sk-ours"}
    assert post(stage.chat_url, chat, headers=others).status_code == 401


def test_the_package_raises_what_it_would_elsewhere(play, client):
    stage = play(DEMO, API_KEY="sk-ours")
    with pytest.raises(anthropic.AuthenticationError):
        client(stage).messages.create(**asking(stage, "Hello"))
    known = client(stage, api_key="sk-ours").messages
    with pytest.raises(anthropic.NotFoundError) as caught:
        known.create(**{**asking(stage, "Hello"), "model": "no/such-model"})
    assert caught.value.body["error"]["type"] == "not_found_error"
    assert caught.value.request_id == caught.value.body["request_id"]
    with pytest.raises(anthropic.BadRequestError):
        known.create(**asking(stage, "Hello", tools=[{"type": "bash_20250124", "name": "bash"}]))


def test_errors_travel_in_the_envelope_of_messages(play):
    stage = play(DEMO, REQUEST_BODY_LIMIT="1KiB")
    refused = [
        (post(url(stage), {}), 400, "invalid_request_error"),
        (post(url(stage), {**asking(stage, "Hello"), "max_tokens": None}), 400, "invalid_request_error"),
        (post(url(stage), asking(stage, "x" * 2000)), 413, "request_too_large"),
        (requests.get(url(stage), timeout=TIMEOUT), 405, "invalid_request_error"),
        (post(f"{url(stage)}/batches", {}), 404, "not_found_error"),
        (requests.get(f"{url(stage)}/batches", timeout=TIMEOUT), 404, "not_found_error"),
        (requests.post(url(stage), data="{", timeout=TIMEOUT), 400, "invalid_request_error"),
    ]
    for answer, status, kind in refused:
        failed(answer, status, kind)


def test_what_the_upstream_refuses_has_its_type(play, client):
    stage = play(OPENAI, RETRY_MAX_ATTEMPTS="1")
    stage.simulator.script(refusal(429, "rate_limit_exceeded", **{"retry-after": "7"}))
    answer = post(url(stage), asking(stage, "Hello"))
    failed(answer, 429, "rate_limit_error")
    assert 1 <= int(answer.headers["retry-after"]) <= 7
    other = play(OPENAI, COOKIES="sk-revoked")
    failed(post(url(other), asking(other, "Hello")), 503, "overloaded_error")
    with pytest.raises(anthropic.BadRequestError, match="maximum context length"):
        fresh = play(OPENAI)
        client(fresh).messages.create(**asking(fresh, "ERR400"))


def test_headers_and_fields_of_versions_are_accepted(play, client):
    stage = play(CHAT_UI_V2)
    message = client(stage).beta.messages.create(
        **asking(stage, "Hello", thinking={"type": "enabled", "budget_tokens": 1024}),
        betas=["some-beta-2030-01-01"],
        metadata={"user_id": "ann"},
        service_tier="auto",
    )
    assert message.content[0].text
