"""Every field of the published request is classified, and what the table says holds."""

from typing import get_args

import openai
import pytest
import requests
from openai.types import Model
from openai.types.chat import ChatCompletionContentPartParam, ChatCompletionStreamOptionsParam
from openai.types.chat.completion_create_params import (
    CompletionCreateParamsNonStreaming,
    CompletionCreateParamsStreaming,
)
from typing_extensions import get_type_hints

from programs import CHAT_UI_V2, SIMULATED
from wire import TIMEOUT, body, failure, post

HEADER = "x-llm2api-ignored-params"
TREATMENTS = {"honoured", "emulated", "ignored", "rejected"}


def published() -> set[str]:
    """The fields that the pinned package knows, and behind a dot what stands in them."""
    fields = {
        *CompletionCreateParamsNonStreaming.__annotations__,
        *CompletionCreateParamsStreaming.__annotations__,
    }
    options = ChatCompletionStreamOptionsParam.__annotations__
    kinds = [get_type_hints(part)["type"] for part in get_args(ChatCompletionContentPartParam)]
    parts = [word for kind in kinds for word in get_args(kind)]
    assert len(fields) > 30 and options and len(parts) > 3
    return {
        *fields,
        *(f"stream_options.{name}" for name in options),
        *(f"messages.{name}" for name in parts),
        # A part of an assistant's message only.
        "messages.refusal",
    }


def shown(stage) -> dict:
    answer = requests.get(f"{stage.base_url}/models/{stage.model}", timeout=TIMEOUT)
    assert answer.status_code == 200, answer.text
    Model.model_validate(answer.json(), strict=True)
    return answer.json()["llm2api"]


def test_every_published_field_is_classified(stage):
    parameters = shown(stage)["parameters"]
    assert set(parameters) == published()
    assert set(parameters.values()) <= TREATMENTS


def test_the_list_of_models_keeps_the_published_form(stage):
    answer = requests.get(f"{stage.base_url}/models", timeout=TIMEOUT).json()
    assert set(answer) == {"object", "data"} and answer["object"] == "list"
    for model in answer["data"]:
        Model.model_validate(model, strict=True)
        assert set(model) == {"id", "object", "created", "owned_by", "llm2api"}
        assert model["llm2api"]["upstreams"] == [model["owned_by"]]
        assert set(model["llm2api"]["capabilities"]) == {
            "vision",
            "tools",
            "reasoning",
            "structured_output",
        }


@pytest.mark.parametrize("upstream", SIMULATED, ids=str)
def test_a_model_is_found_with_its_upstream_in_front(play, connect, upstream):
    stage = play(upstream)
    models = connect(stage).models
    [name] = models.retrieve(stage.model).llm2api["upstreams"]
    assert models.retrieve(f"{name}/{stage.model}").id == f"{name}/{stage.model}"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_the_answer_names_what_the_table_calls_ignored(stage, connect, stream):
    fields = {"temperature": 0.5, "seed": 7, "metadata": {"a": "b"}, "user": "ann"}
    parameters = shown(stage)["parameters"]
    ignored = sorted(name for name in fields if parameters[name] == "ignored")
    create = connect(stage).chat.completions.with_raw_response.create
    messages = [{"role": "user", "content": "Hello"}]
    raw = create(model=stage.model, messages=messages, stream=stream, **fields)
    assert raw.headers.get(HEADER) == (", ".join(ignored) or None)
    if stream:
        with raw.parse() as chunks:
            assert list(chunks)


def test_strict_parameters_refuses_what_would_be_ignored(play, connect):
    stage = play(CHAT_UI_V2, STRICT_PARAMETERS="true")
    create = connect(stage).chat.completions.create
    messages = [{"role": "user", "content": "Hello"}]
    with pytest.raises(openai.BadRequestError) as caught:
        create(model=stage.model, messages=messages, temperature=0.5)
    assert (caught.value.code, caught.value.param) == ("unsupported_parameter", "temperature")
    assert stage.simulator.snapshot()["generations"] == 0
    assert create(model=stage.model, messages=messages, n=1).choices


def test_what_changes_the_answers_form_is_refused(stage):
    parameters = shown(stage)["parameters"]
    values = {"n": 2, "logprobs": True, "functions": [{"name": "f"}], "web_search_options": {}}
    for name, value in values.items():
        answer = post(stage.chat_url, body(stage.model, "Hello", **{name: value}))
        if parameters[name] == "rejected":
            assert failure(answer, 400, "unsupported_parameter")["param"] == name
        else:
            assert answer.status_code == 200, answer.text
