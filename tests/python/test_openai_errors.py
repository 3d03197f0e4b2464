"""Each failure reaches users of the `openai` package as the class that they catch."""

import openai
import pytest

from programs import DEMO, OPEN_WEBUI, OPENAI, SIMULATED

HELLO = [{"role": "user", "content": "Hello"}]
# chat-ui has no finish reason that could be lacking.
BREAKS = [(upstream, word) for upstream in SIMULATED for word in ("MIDERR", "MIDCUT")]
BREAKS += [(OPENAI, "NOFINISH"), (OPEN_WEBUI, "NOFINISH")]


def refusal(status: int, code: str, **headers: str) -> dict:
    """A step of a script: the upstream refuses in the OpenAI envelope."""
    error = {"message": f"scripted {status}", "type": "scripted", "param": None, "code": code}
    reply = {"status": status, "headers": list(headers.items()), "body": {"error": error}}
    return {"json": reply}


def test_a_wrong_key_is_an_authentication_error(play, connect):
    stage = play(DEMO, API_KEY="sk-ours")
    client = connect(stage, api_key="sk-theirs")
    with pytest.raises(openai.AuthenticationError) as caught:
        client.chat.completions.create(model="demo", messages=HELLO)
    assert caught.value.code == "invalid_api_key"
    with pytest.raises(openai.AuthenticationError):
        client.models.list()


def test_an_unknown_model_is_not_found(stage, connect):
    client = connect(stage)
    for streamed in (False, True):
        with pytest.raises(openai.NotFoundError) as caught:
            client.chat.completions.create(model="no/such-model", messages=HELLO, stream=streamed)
        assert caught.value.code == "model_not_found"
    with pytest.raises(openai.NotFoundError) as caught:
        client.models.retrieve("no/such-model")
    assert caught.value.code == "model_not_found"


def test_an_unknown_path_is_not_found(play, connect):
    stage = play(DEMO)
    client = connect(stage, base_url=f"{stage.server.origin}/v7")
    with pytest.raises(openai.NotFoundError) as caught:
        client.models.list()
    assert caught.value.code == "unknown_path"
    client = connect(stage)
    with pytest.raises(openai.NotFoundError):
        client.embeddings.create(model="demo", input="Hello")


def test_a_request_without_messages_is_a_bad_request(stage, connect):
    client = connect(stage)
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model=stage.model, messages=[])
    assert caught.value.param == "messages"
    assert caught.value.type == "invalid_request_error"
    assert caught.value.request_id.startswith("req_")


def test_a_bad_request_of_the_upstream_is_one_here(scripted, ask):
    with pytest.raises(openai.BadRequestError, match="maximum context length"):
        ask(scripted, "ERR400")


def test_an_upstream_that_cannot_process_it_keeps_its_422(play, ask):
    stage = play(OPENAI)
    stage.simulator.script(refusal(422, "unprocessable"))
    with pytest.raises(openai.UnprocessableEntityError):
        ask(stage, "Hello")


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_a_rate_limit_says_when_to_come_back(play, ask, streamed):
    stage = play(OPENAI)
    stage.simulator.script(refusal(429, "rate_limit_exceeded", **{"retry-after": "7"}))
    with pytest.raises(openai.RateLimitError) as caught:
        ask(stage, "Hello", stream=streamed)
    assert caught.value.code == "rate_limit_exceeded"
    assert 1 <= int(caught.value.response.headers["retry-after"]) <= 7


def test_a_rate_limit_without_a_time_still_names_one(scripted, ask):
    with pytest.raises(openai.RateLimitError) as caught:
        ask(scripted, "ERR429")
    assert int(caught.value.response.headers["retry-after"]) >= 1


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_a_fault_of_the_upstream_is_a_server_error(scripted, ask, streamed):
    with pytest.raises(openai.InternalServerError) as caught:
        ask(scripted, "ERR500", stream=streamed)
    assert caught.value.status_code >= 500
    assert caught.value.message


def test_a_dead_account_is_not_blamed_on_the_client(play, ask):
    stage = play(OPENAI, COOKIES="sk-revoked")
    with pytest.raises(openai.InternalServerError) as caught:
        ask(stage, "Hello")
    assert caught.value.status_code == 503
    assert caught.value.code == "no_credential"
    assert "sk-revoked" not in str(caught.value)
    assert "sk-revoked" not in stage.server.log()


def test_an_upstream_that_cannot_be_reached_is_a_server_error(play, ask):
    # Port 9 of loopback is the discard service, which nobody runs any more.
    stage = play(OPENAI, UPSTREAM_URL="http://127.0.0.1:9/v1")
    with pytest.raises(openai.InternalServerError) as caught:
        ask(stage, "Hello")
    assert caught.value.status_code == 502


@pytest.mark.parametrize(("upstream", "word"), BREAKS, ids=str)
def test_a_stream_that_breaks_raises_and_does_not_end_quietly(play, ask, upstream, word):
    stage = play(upstream)
    pieces = []
    with pytest.raises(openai.APIError) as caught:
        for chunk in ask(stage, word, stream=True):
            pieces.extend(choice.delta.content or "" for choice in chunk.choices)
            assert not any(choice.finish_reason for choice in chunk.choices)
    assert "".join(pieces).startswith("Hello")
    assert caught.value.code
    assert caught.value.message


@pytest.mark.parametrize("step", ["cut", "reset"])
def test_a_connection_that_breaks_raises_and_does_not_end_quietly(play, ask, step):
    stage = play(OPENAI)
    chunk = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": stage.model,
        "choices": [{"index": 0, "delta": {"content": "Half a"}, "finish_reason": None}],
    }
    stage.simulator.script({"event": chunk}, {"sleep": 100}, step)
    stream = ask(stage, "Hello", stream=True)
    assert next(iter(stream)).choices[0].delta.content == "Half a"
    with pytest.raises(openai.APIError) as caught:
        list(stream)
    assert caught.value.code == "upstream_incomplete"


@pytest.mark.parametrize("word", ["MIDERR", "MIDCUT"])
def test_a_whole_answer_that_breaks_is_a_server_error(scripted, ask, word):
    with pytest.raises(openai.InternalServerError):
        ask(scripted, word)


def test_the_package_retries_by_itself_what_may_be_retried(play, connect):
    stage = play(OPENAI, RETRY_MAX_ATTEMPTS="1")
    stage.simulator.script(refusal(500, "internal_error"))
    client = connect(stage, max_retries=2)
    completion = client.chat.completions.create(model=stage.model, messages=HELLO)
    assert "Hello" in completion.choices[0].message.content
