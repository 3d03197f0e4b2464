"""Each failure is the class that code for the `openai` package knows, and says what HTTP says."""

import json
import pickle
import traceback

import pytest
import requests

import llm2api

from programs import CHAT_UI_2024, CHAT_UI_V2, DEMO, EMPTY_POOL, OPENAI
from test_auth_codes import Keys
from test_openai_errors import BREAKS, refusal
from wire import TIMEOUT, body

NOBODY = "http://127.0.0.1:9/v1"  # The discard service, which nobody runs any more.
CANARY = "sk-canary-7d1f"
CLASSES = [
    (400, llm2api.BadRequestError),
    (404, llm2api.NotFoundError),
    (409, llm2api.ConflictError),
    (422, llm2api.UnprocessableEntityError),
    (429, llm2api.RateLimitError),
    (500, llm2api.InternalServerError),
    (503, llm2api.InternalServerError),
]
# Words that make an upstream fail, and requests that nobody could answer.
WORDS = ["ERR400", "ERR500", "MIDERR", "MIDCUT", "ERR402", "ERR429"]
WRONG = [
    {"messages": []},
    {"messages": "text"},
    {"messages": [{"role": "nobody", "content": "x"}]},
    {"messages": [{"role": "user"}]},
    {"model": "no/such-model"},
    {"temperature": "warm"},
    {"tools": [{"type": "function", "function": {"name": "no spaces"}}]},
    {"n": 2},
    {"stop": 7},
    {"response_format": {"type": "poem"}},
]


def error_of(call) -> llm2api.APIError:
    with pytest.raises(llm2api.APIError) as caught:
        call()
    return caught.value


def told(error: BaseException) -> str:
    """All that an error may show to somebody, and what it holds."""
    shown = [str(error), repr(error), repr(error.args), repr(vars(error)), repr(error.body)]
    return "\n".join([*shown, *traceback.format_exception(error)])


@pytest.mark.parametrize(("status", "kind"), CLASSES)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_each_status_has_its_class(over_by_door, status, kind, stream):
    scene = over_by_door(OPENAI)
    client = scene.client(max_retries=0)
    scene.simulator.script(refusal(status, "of_upstream"))
    error = error_of(lambda: client.chat("Hello", model=scene.model, stream=stream))
    assert type(error) is kind and error.status_code == status
    assert isinstance(error, (llm2api.APIStatusError, llm2api.LLM2APIError))
    assert error.code and error.type and error.message == str(error)
    assert error.request_id.startswith("req_")


def test_the_classes_stand_as_in_the_openai_package():
    statuses = {kind for _, kind in CLASSES}
    statuses |= {llm2api.AuthenticationError, llm2api.PermissionDeniedError}
    assert all(issubclass(kind, llm2api.APIStatusError) for kind in statuses)
    assert issubclass(llm2api.APIStatusError, llm2api.APIError)
    assert issubclass(llm2api.APITimeoutError, llm2api.APIConnectionError)
    assert issubclass(llm2api.APIConnectionError, llm2api.APIError)
    for kind in (llm2api.APIError, llm2api.ConfigurationError, llm2api.ClosedError):
        assert issubclass(kind, llm2api.LLM2APIError)


def http_error(stage, payload: dict) -> tuple[int, dict, str | None]:
    """Status, `error` object and `Retry-After` that the server answers a request with."""
    answer = requests.post(stage.chat_url, json=payload, timeout=TIMEOUT)
    assert answer.status_code >= 400, answer.text
    return answer.status_code, answer.json()["error"], answer.headers.get("retry-after")


def same(error: llm2api.APIError, over_http: tuple[int, dict, str | None]) -> None:
    status, wanted, wait = over_http
    ours = {**error.body, "request_id": None}
    assert ours == {**wanted, "request_id": None}
    assert error.status_code == status
    assert (error.retry_after is None) == (wait is None)
    if wait is not None:
        assert 0 < error.retry_after <= int(wait)


@pytest.mark.parametrize("upstream", [CHAT_UI_V2, CHAT_UI_2024, OPENAI], ids=str)
def test_a_failure_of_the_upstream_says_what_http_says(play, over, upstream):
    stage, scene = play(upstream), over(upstream)
    client = scene.client()
    for word in WORDS:
        over_http = http_error(stage, body(stage.model, word))
        same(error_of(lambda: client.chat(word, model=scene.model)), over_http)


def test_a_wrong_request_says_what_http_says(play, over):
    stage, client = play(CHAT_UI_V2), over(CHAT_UI_V2).client()
    for wrong in WRONG:
        payload = {**body(stage.model, "Hello"), **wrong}
        over_http = http_error(stage, payload)
        if wrong.get("messages") == "text":  # Which is a question here.
            continue
        same(error_of(lambda: client.chat(**payload)), over_http)


def test_a_wrong_request_is_refused_before_anything_is_sent(over_by_door):
    scene = over_by_door(CHAT_UI_V2)
    client = scene.client()
    for wrong in WRONG:
        if wrong.get("messages") != "text":
            payload = {**body(scene.model, "Hello"), **wrong}
            error = error_of(lambda: client.chat(**payload))
            assert error.status_code in (400, 404) and error.param, wrong
    assert scene.simulator.snapshot()["generations"] == 0


@pytest.mark.parametrize(("upstream", "word"), BREAKS, ids=str)
def test_a_stream_that_breaks_raises_behind_what_came(over_by_door, upstream, word):
    scene = over_by_door(upstream)
    stream, texts = scene.client().chat(word, model=scene.model, stream=True), []
    with pytest.raises(llm2api.APIError) as caught:
        for chunk in stream:
            texts.append(chunk.text)
            assert chunk.finish_reason is None
    assert "".join(texts).startswith("Hello")
    assert caught.value.code and caught.value.request_id == stream.request_id
    assert list(stream) == [], "it is over"


@pytest.mark.parametrize("step", ["cut", "reset"])
def test_a_connection_that_breaks_is_an_error_and_no_end(over_by_door, step):
    scene = over_by_door(OPENAI)
    delta = {"index": 0, "delta": {"content": "Half a"}, "finish_reason": None}
    kind = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": scene.model}
    scene.simulator.script({"event": {**kind, "choices": [delta]}}, {"sleep": 100}, step)
    stream = scene.client().chat("Hello", model=scene.model, stream=True)
    assert next(stream).text == "Half a"
    with pytest.raises(llm2api.APIError) as caught:
        list(stream)
    assert caught.value.code == "upstream_incomplete"


def test_a_rate_limit_says_when_to_come_back(over_by_door):
    scene = over_by_door(OPENAI)
    scene.simulator.script(refusal(429, "rate_limit_exceeded", **{"retry-after": "7"}))
    error = error_of(lambda: scene.client(max_retries=0).chat("Hello", model=scene.model))
    assert (type(error), error.code) == (llm2api.RateLimitError, "rate_limit_exceeded")
    assert 6 < error.retry_after <= 7


def test_an_upstream_that_cannot_be_reached_is_a_connection_error(over_by_door):
    client = over_by_door(OPENAI).client(base_url=NOBODY, max_retries=0)
    for stream in (False, True):
        error = error_of(lambda: client.chat("Hello", model="x", stream=stream))
        assert type(error) is llm2api.APIConnectionError
        assert error.status_code == 502


def test_a_deadline_is_a_timeout_error(over_by_door):
    scene = over_by_door(OPENAI)
    client = scene.client(first_content_timeout=0.2, max_retries=0)
    scene.simulator.script("hang")
    error = error_of(lambda: client.chat("Hello", model=scene.model, stream=True))
    assert type(error) is llm2api.APITimeoutError
    assert (error.status_code, error.code) == (504, "first_content_timeout")


def test_a_dead_account_is_not_blamed_on_the_caller(over_by_door):
    scene = over_by_door(OPENAI)
    error = error_of(lambda: scene.client(credentials="sk-dead").chat("Hello", model=scene.model))
    assert type(error) is llm2api.InternalServerError
    assert (error.status_code, error.code) == (503, "no_credential")


def test_without_a_good_code_nothing_is_permitted(over_by_door, tmp_path):
    scene, keys = over_by_door(OPENAI), Keys(tmp_path)
    code = Keys(tmp_path, "other.json").issue("--holder", "Ada").strip()
    settings = {"auth_code": code, "auth_public_key": keys.public_text}
    error = error_of(lambda: scene.client(**settings).chat("Hello", model=scene.model))
    assert type(error) is llm2api.PermissionDeniedError and error.status_code == 403
    assert code not in told(error)


def test_an_account_that_is_there_is_a_conflict(over_by_door):
    client = over_by_door(EMPTY_POOL).client()
    client.add("cookie-of-ann")
    error = error_of(lambda: client.add("cookie-of-ann"))
    assert type(error) is llm2api.ConflictError
    assert (error.status_code, error.code) == (409, "duplicate_cookie")


def test_a_closed_client_says_so(over_by_door):
    client = over_by_door(DEMO).client()
    stream = client.chat("Hello", model="demo", stream=True)
    client.close()
    calls = [lambda: client.chat("Hello", model="demo"), lambda: list(stream), client.models]
    for call in [*calls, client.pool, client.check, lambda: client.add("x"), client.__enter__]:
        with pytest.raises(llm2api.ClosedError, match="closed"):
            call()
    client.close()


def test_errors_travel_to_other_processes(over):
    scene = over(OPENAI)
    scene.simulator.script(refusal(429, "rate_limit_exceeded", **{"retry-after": "7"}))
    error = error_of(lambda: scene.client(max_retries=0).chat("Hello", model=scene.model))
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert (str(again), vars(again)) == (str(error), vars(error))
    assert json.dumps(again.body) == json.dumps(error.body)


def test_no_error_shows_a_secret_or_the_engines_inside(over_by_door):
    scene = over_by_door(OPENAI)
    scene.simulator.options(api_keys=[CANARY])
    client = scene.client(credentials=[CANARY], max_retries=0, first_content_timeout=0.3)
    echo = {"message": f"bad key {CANARY}", "type": "x", "param": None, "code": "x"}
    scripts = [{"json": {"status": status, "body": {"error": echo}}} for status, _ in CLASSES]
    seen = []
    for script in [*scripts, "hang", "cut", "reset", "garbage"]:
        scene.simulator.script(script)
        for account in client.pool():
            client.check(account)
        seen.append(error_of(lambda: client.chat("Hello", model=scene.model, stream=True)))
    seen.append(error_of(lambda: client.add(CANARY)))
    scene.simulator.mark(CANARY, "revoked")
    [checked] = client.check()
    shown = [repr(client), repr(vars(client)), repr(checked), repr(client.pool()), *map(told, seen)]
    assert len({error.code for error in seen}) > 4
    for text in shown:
        assert CANARY not in text
        for inside in ("Error {", "ErrorKind", "Some(", "src/", "panicked"):
            assert inside not in text, text
