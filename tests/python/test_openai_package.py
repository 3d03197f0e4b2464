"""The official `openai` package works against every kind of upstream."""

import asyncio

import openai
import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from programs import LLAMA, OPENAI, SIMULATED

HELLO = [{"role": "user", "content": "Hello"}]


@pytest.fixture
def client(stage, connect):
    return connect(stage)


def said(chunks) -> str:
    choices = [choice for chunk in chunks for choice in chunk.choices]
    return "".join(choice.delta.content or "" for choice in choices)


def test_a_chat_is_a_completion(stage, client):
    completion = client.chat.completions.create(model=stage.model, messages=HELLO)
    assert isinstance(completion, ChatCompletion)
    assert completion.object == "chat.completion"
    assert completion.id and completion.created > 0
    assert completion.model
    [choice] = completion.choices
    assert choice.finish_reason == "stop"
    assert choice.message.role == "assistant"
    assert "Hello" in choice.message.content
    usage = completion.usage
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens > 0


def test_a_stream_is_made_of_chunks(stage, client):
    with client.chat.completions.create(model=stage.model, messages=HELLO, stream=True) as stream:
        chunks = list(stream)
    assert all(isinstance(chunk, ChatCompletionChunk) for chunk in chunks)
    assert {chunk.object for chunk in chunks} == {"chat.completion.chunk"}
    assert len({chunk.id for chunk in chunks}) == 1
    assert "Hello" in said(chunks)
    assert len([chunk for chunk in chunks if said([chunk])]) > 1
    reasons = [choice.finish_reason for chunk in chunks for choice in chunk.choices]
    assert reasons[-1] == "stop"
    assert set(reasons[:-1]) <= {None}
    assert all(chunk.usage is None for chunk in chunks)


def test_the_usage_comes_last_where_it_is_asked_for(stage, client):
    options = {"include_usage": True}
    chunks = list(
        client.chat.completions.create(
            model=stage.model, messages=HELLO, stream=True, stream_options=options
        )
    )
    last = chunks[-1]
    assert last.choices == []
    assert last.usage.total_tokens == last.usage.prompt_tokens + last.usage.completion_tokens > 0
    assert all(chunk.choices and chunk.usage is None for chunk in chunks[:-1])


def test_chat_and_stream_work_in_async_code(stage):
    async def both() -> tuple[str, str]:
        client = openai.AsyncOpenAI(base_url=stage.base_url, api_key="any", max_retries=0)
        async with client:
            whole = await client.chat.completions.create(model=stage.model, messages=HELLO)
            stream = await client.chat.completions.create(
                model=stage.model, messages=HELLO, stream=True
            )
            chunks = [chunk async for chunk in stream]
        return whole.choices[0].message.content, said(chunks)

    whole, streamed = asyncio.run(both())
    assert "Hello" in whole
    assert streamed == whole


def test_many_async_chats_at_once_are_all_answered(stage):
    async def ask(client: openai.AsyncOpenAI, number: int) -> str:
        question = [{"role": "user", "content": f"ECHO:number {number}"}]
        answer = await client.chat.completions.create(model=stage.model, messages=question)
        return answer.choices[0].message.content

    async def everything() -> list[str]:
        client = openai.AsyncOpenAI(base_url=stage.base_url, api_key="any", max_retries=0)
        async with client:
            return await asyncio.gather(*(ask(client, number) for number in range(12)))

    answers = asyncio.run(everything())
    assert all(answer.endswith(f"number {number}") for number, answer in enumerate(answers))


def test_models_are_listed_and_found_by_id(stage, client):
    listed = client.models.list().data
    assert stage.model in [model.id for model in listed]
    assert {model.object for model in listed} == {"model"}
    for model in listed:
        assert client.models.retrieve(model.id).id == model.id


def test_a_model_id_with_a_slash_is_found(play, connect):
    models = connect(play(OPENAI)).models
    assert "/" in LLAMA
    assert models.retrieve(LLAMA).id == LLAMA
    with pytest.raises(openai.NotFoundError) as caught:
        models.retrieve(LLAMA + "/more")
    assert caught.value.code == "model_not_found"


def test_the_raw_response_shows_headers_and_parses(stage, client):
    create = client.chat.completions.with_raw_response.create
    raw = create(model=stage.model, messages=HELLO)
    assert raw.status_code == 200
    assert raw.headers["x-request-id"].startswith("req_")
    assert "Hello" in raw.parse().choices[0].message.content


def test_the_streaming_response_gives_lines(stage, client):
    create = client.chat.completions.with_streaming_response.create
    with create(model=stage.model, messages=HELLO, stream=True) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["cache-control"] == "no-cache"
        assert response.headers["x-accel-buffering"] == "no"
        assert "content-encoding" not in response.headers
        lines = [line for line in response.iter_lines() if line]
    assert all(line.startswith("data: ") for line in lines)
    assert lines[-1] == "data: [DONE]"


@pytest.mark.parametrize("upstream", SIMULATED, ids=str)
def test_a_conversation_reaches_the_model_whole(play, connect, upstream):
    stage = play(upstream)
    turns = [
        {"role": "system", "content": "Answer in verse."},
        {"role": "user", "content": "What is the first line?"},
        {"role": "assistant", "content": "It was a dark night."},
        {"role": "user", "content": "PROMPT and the second?"},
    ]
    create = connect(stage).chat.completions.create
    completion = create(model=stage.model, messages=turns)
    given = completion.choices[0].message.content
    for turn in turns:
        assert turn["content"] in given
