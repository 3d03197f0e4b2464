"""Chats over plain HTTP, and the checks that every answer must pass."""

import json
from typing import Any, Iterator

import requests
from openai.types.chat import ChatCompletion, ChatCompletionChunk

TIMEOUT = 30
DONE = "[DONE]"


def body(model: str, text: str, **fields: Any) -> dict[str, Any]:
    """The body of a request with one message."""
    return {"model": model, "messages": [{"role": "user", "content": text}], **fields}


def post(url: str, payload: dict[str, Any], **arguments: Any) -> requests.Response:
    return requests.post(url, json=payload, timeout=TIMEOUT, **arguments)


def complete(url: str, payload: dict[str, Any]) -> dict[str, Any]:
    """Asks for a whole answer and checks it against the published schema."""
    answer = post(url, payload)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("application/json")
    completion = answer.json()
    ChatCompletion.model_validate(completion, strict=True)
    assert len(completion["choices"]) == 1
    return completion


def events(answer: requests.Response) -> Iterator[str]:
    """The data of each server-sent event."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/event-stream")
    for line in answer.iter_lines():
        text = line.decode("utf-8")
        if text.startswith("data: "):
            yield text.removeprefix("data: ")


def stream(url: str, payload: dict[str, Any]) -> list[dict[str, Any]]:
    """Asks for a streamed answer and checks every chunk, and that `[DONE]` ends it."""
    with post(url, {**payload, "stream": True}, stream=True) as answer:
        data = list(events(answer))
    assert data[-1] == DONE
    chunks = [json.loads(text) for text in data[:-1]]
    for chunk in chunks:
        ChatCompletionChunk.model_validate(chunk, strict=True)
    assert len({chunk["id"] for chunk in chunks}) == 1
    return chunks


def joined(chunks: list[dict[str, Any]]) -> str:
    """The text of a streamed answer."""
    choices = [choice for chunk in chunks for choice in chunk["choices"]]
    return "".join(choice["delta"].get("content") or "" for choice in choices)


def finish_reasons(chunks: list[dict[str, Any]]) -> list[str]:
    choices = [choice for chunk in chunks for choice in chunk["choices"]]
    return [choice["finish_reason"] for choice in choices if choice["finish_reason"]]


def failure(answer: requests.Response, status: int, code: str | None = None) -> dict[str, Any]:
    """Checks that an answer is a refusal in the envelope that OpenAI clients read."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/json")
    envelope = answer.json()
    assert list(envelope) == ["error"]
    error = envelope["error"]
    assert {"message", "type", "param", "code"} <= set(error)
    assert isinstance(error["message"], str) and error["message"]
    assert isinstance(error["type"], str) and error["type"]
    assert error["param"] is None or isinstance(error["param"], str)
    assert isinstance(error["code"], str) and error["code"]
    if code is not None:
        assert error["code"] == code, error
    return error
