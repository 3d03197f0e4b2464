"""What answers are made of: plain to print, to compare, to keep, and never to be changed."""

import copy
import json
import pickle
from typing import Any, Iterator

import pytest

import llm2api

from programs import DEMO, OPENAI

WEATHER = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
USAGE = {"stream_options": {"include_usage": True}}
LIVE = (llm2api.Client, llm2api.AsyncClient, llm2api.Stream, llm2api.AsyncStream)
# Without `model_dump_json`: what they say of an account would be no account again.
MADE_HERE = {llm2api.Account, llm2api.Checked}


def parts(value: Any) -> Iterator[Any]:
    """An object of the package, and all that hang on its properties."""
    yield value
    for name in dir(type(value)):
        if name.startswith("_") or callable(getattr(value, name)):
            continue
        held = getattr(value, name)
        for one in held if isinstance(held, list) else [held]:
            if type(one).__module__ == "llm2api":
                yield from parts(one)


@pytest.fixture
def objects(over) -> list[Any]:
    """One of every kind, from answers as they come, and accounts and models."""
    client = over(OPENAI).client()
    ask = {"model": "meta-llama/Meta-Llama-3.1-70B-Instruct", "tools": [WEATHER]}
    roots = [client.chat(text, **ask) for text in ("THINK Größe 🙂", "TOOL")]
    for text in ("THINK", "TOOL"):
        roots += client.chat(text, **ask, **USAGE, stream=True)
    roots += [*client.models(), *client.pool(), *client.check()]
    return [one for root in roots for one in parts(root)]


@pytest.fixture
def readable(objects) -> list[Any]:
    """Those that can be made of their JSON again."""
    return [one for one in objects if type(one) not in MADE_HERE]


def test_the_objects_are_of_every_class_of_the_package(objects):
    classes = {value for value in vars(llm2api).values() if isinstance(value, type)}
    data = {kind for kind in classes if hasattr(kind, "model_dump")} | {llm2api.Checked}
    assert {type(one) for one in objects} == data
    assert len(data) > 12


def plain(held: Any) -> Any:
    """An object of the package as dicts and lists."""
    if isinstance(held, list):
        return [plain(one) for one in held]
    return held.model_dump() if hasattr(held, "model_dump") else held


def without_none(value: Any) -> Any:
    """Without the fields that are null: an upstream may write them, or leave them out."""
    if isinstance(value, dict):
        return {key: without_none(one) for key, one in value.items() if one is not None}
    return [without_none(one) for one in value] if isinstance(value, list) else value


def test_a_dump_is_the_json_and_holds_every_field(readable):
    for one in readable:
        dumped = one.model_dump()
        assert dumped == json.loads(one.model_dump_json())
        for name, value in dumped.items():
            held = getattr(one, name)
            assert without_none(plain(held)) == without_none(value), (type(one), name)


def test_a_dump_without_none_has_none_at_no_depth(readable):
    shorter = 0
    for one in readable:
        dumped = one.model_dump(exclude_none=True)
        assert dumped == without_none(one.model_dump())
        assert dumped == json.loads(one.model_dump_json(exclude_none=True))
        shorter += dumped != one.model_dump()
    assert shorter > 0


def test_what_is_read_again_is_the_same(readable):
    for one in readable:
        again = type(one).model_validate_json(one.model_dump_json())
        assert again == one and again is not one
        assert without_none(again.model_dump()) == without_none(one.model_dump())


def test_objects_travel_to_other_processes_as_pickles(readable):
    for one in readable:
        for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
            assert pickle.loads(pickle.dumps(one, protocol)) == one
        assert copy.copy(one) == copy.deepcopy(one) == one


def test_what_is_no_json_of_an_object_is_refused(readable):
    for kind in {type(one) for one in readable}:
        for wrong in ("", "{", "[]", "1", "null", '"text"'):
            with pytest.raises(ValueError, match="not the JSON of"):
                kind.model_validate_json(wrong)


def test_objects_compare_by_what_they_hold(readable):
    for left in readable:
        held = (type(left), without_none(left.model_dump()))
        for right in readable:
            same = held == (type(right), without_none(right.model_dump()))
            assert (left == right) is same and (left != right) is not same
    for other in (None, 1, "text", {}, object()):
        assert readable[0] != other


def test_an_object_shows_its_class_and_its_fields(readable):
    for one in readable:
        shown = repr(one)
        assert shown.startswith(f"{type(one).__name__}(") and shown.endswith(")")
        for name in one.model_dump():
            assert f"{name}={getattr(one, name)!r}" in shown
        assert str(one) == shown


def test_objects_cannot_be_changed(objects):
    for one in objects:
        for name in ("id", "content", "text", "of_my_own"):
            with pytest.raises(AttributeError):
                setattr(one, name, "x")


def test_an_unknown_attribute_is_missing_by_its_name(objects):
    for one in objects:
        with pytest.raises(AttributeError, match=f"{type(one).__name__}' object.*'no_such_field'"):
            one.no_such_field
        assert not hasattr(one, "__wrapped__")


def test_fields_that_nobody_knows_are_attributes_too(over):
    scene = over(OPENAI)
    kind = {"object": "chat.completion", "created": 1, "model": scene.model, "id": "chatcmpl-1"}
    message = {"role": "assistant", "content": "Hi", "of_vendor": {"deep": [1.5, -2, True, None]}}
    choice = {"index": 0, "finish_reason": "stop", "message": message}
    body = {**kind, "choices": [choice], "of_upstream": "gold"}
    scene.simulator.script({"json": {"status": 200, "body": body}})
    answer = scene.client().chat("Hello", model=scene.model)
    assert answer.of_upstream == "gold"
    assert answer.model_extra["of_upstream"] == "gold"
    message = answer.choices[0].message
    assert isinstance(message.of_vendor, llm2api.Object)
    assert message.of_vendor.deep == [1.5, -2, True, None]
    assert message.model_extra == {"of_vendor": {"deep": [1.5, -2, True, None]}}
    assert message.of_vendor.model_dump() == {"deep": [1.5, -2, True, None]}


def test_a_checked_account_shows_which_and_how(over):
    client = over(OPENAI).client()
    [account], [checked] = client.pool(), client.check()
    assert checked.account == client.pool()[0]
    assert (checked.verdict, checked.message, checked.account.id) == ("valid", None, account.id)
    assert account.id in repr(checked) and "valid" in repr(checked)


@pytest.mark.parametrize("how", [pickle.dumps, copy.copy, copy.deepcopy])
def test_what_is_live_is_neither_packed_nor_copied(over_by_door, how):
    client = over_by_door(DEMO).client()
    stream = client.chat("Hello", model="demo", stream=True)
    for live in (client, stream):
        live = getattr(live, "inner", live)
        assert isinstance(live, LIVE)
        with pytest.raises(TypeError, match=type(live).__name__):
            how(live)
    assert "".join(chunk.text for chunk in stream).endswith("You said: Hello")
