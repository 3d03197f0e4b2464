"""What type checkers make of calls; it is checked, and never run."""

from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

from openai.types.chat import ChatCompletionMessage
from typing_extensions import assert_type

import llm2api

FinishReason = Literal["stop", "length", "tool_calls", "content_filter", "function_call"]


def clients(settings: llm2api.Settings, kind: llm2api.UpstreamKind) -> None:
    llm2api.Client()
    llm2api.Client("http://127.0.0.1:8080/v1", upstream="openai", api_key="sk", timeout=5)
    llm2api.Client(upstream=kind, credentials=["a", "b"], max_retries=0, store="memory:")
    llm2api.Client(config=Path("llm2api.toml"), timeout=timedelta(seconds=5), **settings)
    llm2api.AsyncClient(config={"server": {"queue_timeout": "5s"}}, queue_timeout=0.5)
    llm2api.Client(pool_strategy="round-robin", search_categories=("news",), strict_parameters=True)
    client = llm2api.Client(upstream="demo")
    assert_type(client.with_options(timeout=1.5, max_retries=2), llm2api.Client)
    assert_type(llm2api.AsyncClient().with_options(), llm2api.AsyncClient)
    with client as same:
        assert_type(same, llm2api.Client)


def calls(client: llm2api.Client, stream: bool, maybe: bool | None) -> None:
    assert_type(client.chat("Hi", model="m"), llm2api.ChatCompletion)
    assert_type(client.chat("Hi", model="m", stream=False), llm2api.ChatCompletion)
    assert_type(client.chat("Hi", model="m", stream=True), llm2api.Stream)
    either = client.chat("Hi", model="m", stream=stream)
    assert_type(either, llm2api.ChatCompletion | llm2api.Stream)
    create = client.chat.completions.create
    assert_type(create(messages=[], model="m"), llm2api.ChatCompletion)
    assert_type(create(messages=[], model="m", stream=None), llm2api.ChatCompletion)
    assert_type(create(messages=[], model="m", stream=True), llm2api.Stream)
    either = create(messages=[], model="m", stream=maybe)
    assert_type(either, llm2api.ChatCompletion | llm2api.Stream)
    assert_type(client.models(), list[llm2api.Model])
    assert_type(client.pool(), list[llm2api.Account])
    assert_type(client.add("cookie", label="Ann"), llm2api.Account)
    assert_type(client.check(), list[llm2api.Checked])
    client.remove(client.pool()[0])


async def async_calls(client: llm2api.AsyncClient, stream: bool, maybe: bool | None) -> None:
    assert_type(await client.chat("Hi", model="m"), llm2api.ChatCompletion)
    assert_type(await client.chat("Hi", model="m", stream=False), llm2api.ChatCompletion)
    assert_type(await client.chat("Hi", model="m", stream=True), llm2api.AsyncStream)
    either = await client.chat("Hi", model="m", stream=stream)
    assert_type(either, llm2api.ChatCompletion | llm2api.AsyncStream)
    create = client.chat.completions.create
    assert_type(await create(messages=[], model="m"), llm2api.ChatCompletion)
    assert_type(await create(messages=[], model="m", stream=None), llm2api.ChatCompletion)
    assert_type(await create(messages=[], model="m", stream=True), llm2api.AsyncStream)
    either = await create(messages=[], model="m", stream=maybe)
    assert_type(either, llm2api.ChatCompletion | llm2api.AsyncStream)
    assert_type(await client.models(), list[llm2api.Model])
    assert_type(await client.pool(), list[llm2api.Account])
    assert_type(await client.check("id"), list[llm2api.Checked])
    async with client as same:
        assert_type(same, llm2api.AsyncClient)
    async with await client.chat("Hi", model="m", stream=True) as pieces:
        assert_type([chunk async for chunk in pieces], list[llm2api.Chunk])


def streams(stream: llm2api.Stream) -> None:
    with stream as same:
        assert_type(same, llm2api.Stream)
    assert_type(next(stream), llm2api.Chunk)
    for chunk in stream:
        assert_type(chunk.text, str)
        assert_type(chunk.reasoning, str)
        assert_type(chunk.usage, llm2api.Usage | None)
        for choice in chunk.choices:
            assert_type(choice.delta.content, str | None)
            assert_type(choice.delta.tool_calls, list[llm2api.ToolCallDelta] | None)
            for piece in choice.delta.tool_calls or []:
                assert_type(piece.function, llm2api.FunctionDelta | None)


def answers(answer: llm2api.ChatCompletion) -> None:
    assert_type(answer.text, str)
    assert_type(answer.finish_reason, FinishReason | None)
    assert_type(answer.usage, llm2api.Usage | None)
    print(answer.system_fingerprint, answer.service_tier, answer.llm2api_search)
    assert_type(answer.choices[0].message, llm2api.Message)
    assert_type(answer.choices[0].message.tool_calls, list[llm2api.ToolCall] | None)
    assert_type(answer.model_dump(exclude_none=True), dict[str, Any])
    assert_type(answer.model_dump_json(), str)
    assert_type(answer.model_extra, dict[str, Any])
    assert_type(llm2api.Message.model_validate_json("{}"), llm2api.Message)
    for call in answer.choices[0].message.tool_calls or []:
        assert_type(call.function.arguments, str)


def messages(client: llm2api.Client, answer: llm2api.ChatCompletion) -> None:
    asked: list[llm2api.MessageParam] = [{"role": "user", "content": "Hi"}]
    asked += [answer.choices[0].message, ChatCompletionMessage(role="assistant", content="x")]
    client.chat(asked, model="m")
    client.chat((one for one in asked), model="m")
    client.chat([{"role": "user", "content": "Hi"}], model="m")
    client.chat([answer.choices[0].message], model="m")
    part = {"type": "text", "text": "Hi"}
    client.chat([{"role": "user", "content": [part]}], model="m")
    history = [{"role": "user", "content": "Hi"}]
    client.chat(history, model="m", temperature=0.5, stop=["a"], user=None)
    params: llm2api.ChatParams = {"temperature": 0.1, "max_retries": 1}
    client.chat("Hi", model="m", **params)


def errors(error: llm2api.APIError) -> None:
    assert_type(error.status_code, int | None)
    assert_type(error.code, str | None)
    assert_type(error.retry_after, float | None)
    assert_type(error.body, dict[str, Any])


def wrong(client: llm2api.Client, answer: llm2api.ChatCompletion) -> None:
    """Each of these is a mistake, which a checker must find: else its comment is unused."""
    client.chat("Hi")  # type: ignore[call-overload]  # pyright: ignore
    client.chat("Hi", model="m", temperture=1)  # type: ignore[call-overload]  # pyright: ignore
    client.chat(1, model="m")  # type: ignore[call-overload]  # pyright: ignore
    client.chat("Hi", model="m", timeout="soon")  # type: ignore[call-overload]  # pyright: ignore
    llm2api.Client(upstream="poem")  # type: ignore[arg-type]  # pyright: ignore
    llm2api.Client(no_such_setting=1)  # type: ignore[call-arg]  # pyright: ignore
    answer.text = "x"  # type: ignore[misc]  # pyright: ignore
    print(answer.txt)  # type: ignore[attr-defined]  # pyright: ignore
