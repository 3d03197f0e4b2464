"""Answers of a client in this process, whole and in pieces, over every kind of upstream."""

import openai
import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk

import llm2api

from in_process import text_of
from programs import CHAT_UI_V2, DEMO, LLAMA, OPEN_WEBUI, OPENAI

HELLO = [{"role": "user", "content": "Hello"}]


def test_a_whole_answer_has_a_text_a_reason_and_counts(scene):
    answer = scene.client().chat("Hello", model=scene.model)
    assert isinstance(answer, llm2api.ChatCompletion)
    assert "Hello" in answer.text
    assert answer.finish_reason == "stop"
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert answer.usage.total_tokens > 0
    assert answer.request_id.startswith("req_")
    assert answer.ignored_parameters == []


def test_a_whole_answer_is_the_published_one(scene):
    answer = scene.client().chat("Hello", model=scene.model)
    published = ChatCompletion.model_validate_json(answer.model_dump_json(), strict=True)
    assert (answer.id, answer.object, answer.created, answer.model) == (
        published.id,
        published.object,
        published.created,
        published.model,
    )
    [choice], [wanted] = answer.choices, published.choices
    assert (choice.index, choice.finish_reason) == (wanted.index, wanted.finish_reason)
    assert choice.message.role == wanted.message.role == "assistant"
    assert choice.message.content == wanted.message.content == answer.text


def test_a_stream_says_what_the_whole_answer_says(scene):
    client = scene.client()
    whole = client.chat("Hello", model=scene.model)
    stream = client.chat("Hello", model=scene.model, stream=True)
    assert stream.request_id.startswith("req_") and stream.request_id != whole.request_id
    chunks = list(stream)
    assert "".join(chunk.text for chunk in chunks) == whole.text
    assert len([chunk for chunk in chunks if chunk.text]) > 1
    reasons = [chunk.finish_reason for chunk in chunks if chunk.choices]
    assert reasons[-1] == "stop" and set(reasons[:-1]) == {None}
    assert all(chunk.usage is None for chunk in chunks)
    assert list(stream) == []


def test_chunks_are_the_published_ones(scene):
    chunks = list(scene.client().chat("Hello", model=scene.model, stream=True))
    assert all(isinstance(chunk, llm2api.Chunk) for chunk in chunks)
    assert len({chunk.id for chunk in chunks}) == 1
    for chunk in chunks:
        published = ChatCompletionChunk.model_validate_json(chunk.model_dump_json(), strict=True)
        assert (chunk.object, chunk.model) == (published.object, published.model)
        for choice, wanted in zip(chunk.choices, published.choices, strict=True):
            assert (choice.index, choice.delta.content) == (wanted.index, wanted.delta.content)
            assert (choice.delta.content or "") == chunk.text


def test_counts_come_last_where_they_are_asked_for(scene):
    ask = {"model": scene.model, "stream": True, "stream_options": {"include_usage": True}}
    *chunks, last = scene.client().chat("Hello", **ask)
    assert last.choices == [] and last.text == ""
    assert last.usage.total_tokens == last.usage.prompt_tokens + last.usage.completion_tokens > 0
    assert all(chunk.choices and chunk.usage is None for chunk in chunks)


def test_the_path_of_the_openai_package_leads_to_the_same(scene):
    client = scene.client()
    short = client.chat(HELLO, model=scene.model)
    create = client.chat.completions.create
    long = create(messages=HELLO, model=scene.model)
    assert isinstance(long, llm2api.ChatCompletion)
    assert long.choices[0].message.content == short.text
    for unset in (None, False):
        assert create(messages=HELLO, model=scene.model, stream=unset).text == short.text
    assert text_of(create(messages=HELLO, model=scene.model, stream=True)) == short.text


def test_code_for_the_openai_package_gets_the_same_from_both(play, over):
    """The same lines, with either client in front of the same kind of upstream."""

    def said(client, model: str) -> tuple[str, str]:
        whole = client.chat.completions.create(messages=HELLO, model=model)
        stream = client.chat.completions.create(messages=HELLO, model=model, stream=True)
        deltas = [choice.delta for chunk in stream for choice in chunk.choices]
        return whole.choices[0].message.content, "".join(one.content or "" for one in deltas)

    stage = play(CHAT_UI_V2)
    with openai.OpenAI(base_url=stage.base_url, api_key="any", max_retries=0) as over_http:
        wanted = said(over_http, stage.model)
    assert said(over(CHAT_UI_V2).client(), LLAMA) == wanted


def test_models_are_listed(scene):
    models = scene.client().models()
    assert scene.model in [model.id for model in models]
    for model in models:
        assert isinstance(model, llm2api.Model)
        assert (model.object, type(model.created)) == ("model", int)
        assert model.llm2api.upstreams == [model.owned_by]
        openai.types.Model.model_validate_json(model.model_dump_json(), strict=True)


def test_reasoning_comes_apart_from_the_text(over_by_door):
    scene = over_by_door(OPENAI)
    client = scene.client()
    [choice] = client.chat("THINK", model=scene.model).choices
    assert choice.message.reasoning_content == "Let me think about\n\nthis."
    chunks = list(client.chat("THINK", model=scene.model, stream=True))
    assert "".join(chunk.reasoning for chunk in chunks) == choice.message.reasoning_content
    assert "".join(chunk.text for chunk in chunks) == choice.message.content
    assert all(not (chunk.reasoning and chunk.text) for chunk in chunks)
    told = [choice.delta.reasoning_content for chunk in chunks for choice in chunk.choices]
    assert "".join(one or "" for one in told) == choice.message.reasoning_content


@pytest.mark.parametrize("upstream", [CHAT_UI_V2, DEMO], ids=str)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_an_answer_names_the_parameters_that_it_does_not_go_by(over_by_door, upstream, stream):
    scene = over_by_door(upstream)
    given = {"temperature": 0.5, "seed": 7, "user": "ann", "stop": None}
    answer = scene.client().chat("Hello", model=scene.model, stream=stream, **given)
    assert answer.ignored_parameters == ["seed", "temperature", "user"]


def test_what_an_upstream_honours_reaches_it(over_by_door):
    scene = over_by_door(OPEN_WEBUI)
    fields = {"temperature": 0.5, "seed": 7, "extra_body": {"of_another": [1, None]}}
    assert scene.client().chat("Hello", model=scene.model, **fields).ignored_parameters == []
    [sent] = scene.sent()
    assert (sent["temperature"], sent["seed"], sent["of_another"]) == (0.5, 7, [1, None])


def test_strict_parameters_refuse_what_would_be_ignored(over_by_door):
    scene = over_by_door(CHAT_UI_V2)
    client = scene.client(strict_parameters=True)
    with pytest.raises(llm2api.BadRequestError) as caught:
        client.chat("Hello", model=scene.model, temperature=0.5)
    assert (caught.value.code, caught.value.param) == ("unsupported_parameter", "temperature")
    assert scene.simulator.snapshot()["generations"] == 0
    assert client.chat("Hello", model=scene.model, n=1).text


def test_text_arrives_as_it_was_said(scripted_scene):
    said = 'Größe 日本 🙂 "quoted" \\ \t <b>&amp; \u2028 end'
    client, ask = scripted_scene.client(), {"model": scripted_scene.model}
    whole = client.chat(f"ECHO:{said}", **ask)
    assert whole.text == text_of(client.chat(f"ECHO:{said}", **ask, stream=True)) == said


def test_a_stream_is_a_context_manager_and_ends_where_it_is_left(scripted_scene):
    client = scripted_scene.client()
    with client.chat("Hello", model=scripted_scene.model, stream=True) as stream:
        first = next(stream)
        while not first.text:
            first = next(stream)
    assert list(stream) == []
    stream.close()
