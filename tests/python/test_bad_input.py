"""Whatever a client sends wrong is refused in one envelope, and nothing of it goes upstream."""

import http.client
import json
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from programs import CHAT_UI_V2, LLAMA, OPENAI
from wire import TIMEOUT, body, failure

KEY = "sk-ours"
CHAT = "/v1/chat/completions"
LIMIT = 4096
USER = {"role": "user", "content": "Hello"}


@dataclass(frozen=True)
class Case:
    """A request that is wrong, and what it gets."""

    status: int
    code: str | None = None
    param: str | None = None
    method: str = "POST"
    path: str = CHAT
    key: str | None = f"Bearer {KEY}"
    type: str | None = "application/json"
    body: Any = None

    def headers(self) -> dict[str, str]:
        headers = {"Authorization": self.key, "Content-Type": self.type}
        return {name: value for name, value in headers.items() if value is not None}

    def content(self) -> bytes | None:
        if self.body is None or isinstance(self.body, bytes):
            return self.body
        return json.dumps(self.body).encode()


def wrong(param: str | None, **fields: Any) -> Case:
    """A body of which one field is wrong."""
    return Case(400, param=param, body={"model": LLAMA, "messages": [USER], **fields})


def message(param: str, **fields: Any) -> Case:
    """A body of which the second message is wrong."""
    return wrong(param, messages=[USER, fields])


CASES = {
    "no messages field": Case(400, param="messages", body={"model": LLAMA}),
    "no message": wrong("messages", messages=[]),
    "messages is no list": wrong("messages", messages="Hello"),
    "a message is no object": wrong("messages[1]", messages=[USER, "Hello"]),
    "no role": message("messages[1].role", content="Hello"),
    "an unknown role": message("messages[1].role", role="wizard", content="Hello"),
    "a role that is no text": message("messages[1].role", role=7, content="Hello"),
    "no content": message("messages[1].content", role="user"),
    "content that is a number": message("messages[1].content", role="user", content=7),
    "a tool that answers no call": message("messages[1].tool_call_id", role="tool", content="x"),
    "no model": Case(400, param="model", body={"messages": [USER]}),
    "an empty model": wrong("model", model=""),
    "a model that is a list": wrong("model", model=[LLAMA]),
    "stream is no boolean": wrong("stream", stream="yes"),
    "temperature is no number": wrong("temperature", temperature="hot"),
    "max_tokens is negative": wrong("max_tokens", max_tokens=-1),
    "n is 0": wrong("n", n=0),
    "stop is a number": wrong("stop", stop=3),
    "tools is no list": wrong("tools", tools={}),
    "broken JSON": Case(400, "invalid_json", body=b'{"model": "m", "messages": ['),
    "JSON with more behind it": Case(400, body=json.dumps(body(LLAMA, "Hello")).encode() + b"}"),
    "no JSON at all": Case(400, "invalid_json", body=b"Hello"),
    "no UTF-8": Case(400, body=b'{"model": "\xff\xfe", "messages": []}'),
    "a list instead of an object": Case(400, body=[1, 2]),
    "null": Case(400, body=b"null"),
    "an empty body": Case(400, "invalid_json", body=b""),
    "nested without end": Case(400, body=b'{"model":"m","messages":' + b"[" * 2000),
    "a wrong key": Case(401, "invalid_api_key", key="Bearer sk-theirs", body=body(LLAMA, "Hello")),
    "no key": Case(401, "invalid_api_key", key=None, body=body(LLAMA, "Hello")),
    "a key without its scheme": Case(401, "invalid_api_key", key=KEY, body=body(LLAMA, "Hello")),
    "no key for the models": Case(401, "invalid_api_key", method="GET", path="/v1/models", key=None),
    "no key and broken JSON": Case(401, "invalid_api_key", key=None, body=b"{"),
    "an unknown path": Case(404, "unknown_path", path="/v1/nothing", body=body(LLAMA, "Hello")),
    "a path without its version": Case(404, path="/chat/completions", body=body(LLAMA, "Hello")),
    "an unknown model by id": Case(404, "model_not_found", method="GET", path="/v1/models/no/such"),
    "GET of a chat": Case(405, "method_not_allowed", method="GET"),
    "DELETE of the models": Case(405, "method_not_allowed", method="DELETE", path="/v1/models"),
    "PUT of a chat": Case(405, "method_not_allowed", method="PUT", body=body(LLAMA, "Hello")),
    "too large a body": Case(413, "request_too_large", body=body(LLAMA, "x" * LIMIT)),
    "text": Case(415, type="text/plain", body=body(LLAMA, "Hello")),
    "a form": Case(415, type="application/x-www-form-urlencoded", body=b"model=x"),
}


def sent_upstream(stage) -> list[dict[str, Any]]:
    """The requests that ask the upstream to do something; reading the models is not one."""
    return [seen for seen in stage.simulator.snapshot()["requests"] if seen["method"] != "GET"]


@pytest.fixture(params=[CHAT_UI_V2, OPENAI], ids=str, scope="module")
def guarded(request, play_for_module):
    """A server that wants a key and takes small bodies only; all cases hit the same one."""
    return play_for_module(request.param, API_KEY=KEY, REQUEST_BODY_LIMIT=str(LIMIT))


def send(stage, case: Case) -> requests.Response:
    return requests.request(
        case.method,
        stage.server.origin + case.path,
        headers=case.headers(),
        data=case.content(),
        timeout=TIMEOUT,
    )


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_it_is_refused_and_nothing_goes_upstream(guarded, case):
    answer = send(guarded, case)
    error = failure(answer, case.status, case.code)
    if case.param is not None:
        assert error["param"] == case.param, error
    assert answer.headers["x-request-id"] == error["request_id"]
    if case.status == 405:
        assert answer.headers["allow"]
    if case.status == 401:
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert KEY not in answer.text and "sk-theirs" not in answer.text
    assert guarded.server.is_running()
    assert sent_upstream(guarded) == []


def test_a_body_that_announces_too_much_is_refused_before_it_is_sent(guarded):
    connection = http.client.HTTPConnection(guarded.server.origin.split("//")[1], timeout=TIMEOUT)
    connection.putrequest("POST", CHAT)
    for name, value in Case(413).headers().items():
        connection.putheader(name, value)
    connection.putheader("Content-Length", str(1 << 40))
    connection.endheaders()
    answer = connection.getresponse()
    assert answer.status == 413
    assert json.loads(answer.read())["error"]["code"] == "request_too_large"
    connection.close()
    assert sent_upstream(guarded) == []


def test_a_body_in_pieces_that_grows_too_large_is_refused(guarded):
    pieces = (b"x" * 1024 for _ in range(8))
    url = guarded.server.origin + CHAT
    answer = requests.post(url, headers=Case(413).headers(), data=pieces, timeout=TIMEOUT)
    failure(answer, 413, "request_too_large")
    assert sent_upstream(guarded) == []


def test_an_unknown_model_is_refused_whole_and_streamed(scripted):
    for streamed in (False, True):
        payload = body("no/such-model", "Hello", stream=streamed)
        answer = requests.post(scripted.chat_url, json=payload, timeout=TIMEOUT)
        failure(answer, 404, "model_not_found")


def test_after_all_that_the_server_still_answers(play):
    stage = play(OPENAI, API_KEY=KEY, REQUEST_BODY_LIMIT=str(LIMIT))
    for case in CASES.values():
        send(stage, case)
    answer = send(stage, Case(200, body=body(stage.model, "Hello")))
    assert answer.status_code == 200, answer.text
    assert len(sent_upstream(stage)) == 1
