"""What the official packages' types say of what the server sends: strictly, and nothing besides."""

import json
from typing import Any

from pydantic import BaseModel, TypeAdapter

from wire import post

# What the published API sends and the packages' types leave out.
PUBLISHED = {"Response": {"store"}}


def validate(kind: Any, value: Any) -> Any:
    """Checks a JSON value against a type of a package, and that it has no other fields."""
    model = TypeAdapter(kind).validate_json(json.dumps(value), strict=True)
    no_others(model)
    return model


def no_others(value: Any) -> None:
    if isinstance(value, BaseModel):
        extra = set(value.model_extra or {}) - PUBLISHED.get(type(value).__name__, set())
        others = {name for name in extra if not name.startswith("llm2api_")}
        assert not others, f"{type(value).__name__} has unknown fields: {others}"
        for name in type(value).model_fields:
            no_others(getattr(value, name))
    elif isinstance(value, list):
        for each in value:
            no_others(each)


def whole(url: str, body: dict[str, Any], kind: Any) -> dict[str, Any]:
    """Asks for a whole answer of this type."""
    answer = post(url, body)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    validate(kind, answer.json())
    return answer.json()


def events(url: str, body: dict[str, Any]) -> list[dict[str, Any]]:
    """Asks for a streamed answer; each event has a name, which is its type."""
    answer = post(url, {**body, "stream": True})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/event-stream")
    frames = answer.content.decode("utf-8").split("\n\n")
    assert frames.pop() == ""
    data = []
    for frame in frames:
        name, text = frame.split("\n")
        event = json.loads(text.removeprefix("data: "))
        assert name == f"event: {event['type']}"
        data.append(event)
    return data


def stream(url: str, body: dict[str, Any], kind: Any) -> list[dict[str, Any]]:
    """Asks for a streamed answer whose events are all of this type."""
    data = events(url, body)
    for event in data:
        validate(kind, event)
    return data
