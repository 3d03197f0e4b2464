"""From messages and parameters to a chat request."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, NamedTuple, Protocol, TypedDict, Union, cast, runtime_checkable

from llm2api._settings import attempts, seconds


@runtime_checkable
class SupportsModelDump(Protocol):
    """An object that turns itself into plain JSON, such as an earlier answer's message."""

    def model_dump(self, *, exclude_none: bool = ...) -> Any: ...


MessageParam = Union[Mapping[str, Any], SupportsModelDump]
"""A message of OpenAI's form, such as ``{"role": "user", "content": "Hello"}``."""
Messages = Union[str, Iterable[MessageParam]]
"""What is asked: one question, or a conversation, oldest message first."""


class ChatParams(TypedDict, total=False):
    """The parameters of a chat, as OpenAI defines them, and ``timeout`` and ``extra_body``.

    None means not given. What an upstream lacks is emulated or ignored; an answer names what was.
    """

    temperature: float | None
    top_p: float | None
    n: int | None
    stop: str | Sequence[str] | None
    max_tokens: int | None
    max_completion_tokens: int | None
    presence_penalty: float | None
    frequency_penalty: float | None
    logit_bias: Mapping[str, int] | None
    logprobs: bool | None
    top_logprobs: int | None
    seed: int | None
    tools: Iterable[Mapping[str, Any]] | None
    tool_choice: str | Mapping[str, Any] | None
    parallel_tool_calls: bool | None
    response_format: Mapping[str, Any] | None
    reasoning_effort: str | None
    stream_options: Mapping[str, Any] | None
    web_search_options: Mapping[str, Any] | None
    user: str | None
    metadata: Mapping[str, str] | None
    extra_body: Mapping[str, Any] | None
    timeout: float | timedelta | None
    max_retries: int | None


class Options(NamedTuple):
    """What holds for calls in place of the settings."""

    timeout: float | None = None
    attempts: int | None = None

    def but(
        self, timeout: float | timedelta | None = None, max_retries: int | None = None
    ) -> Options:
        """These options, where nothing else is given."""
        return Options(
            self.timeout if timeout is None else seconds(timeout),
            self.attempts if max_retries is None else attempts(max_retries),
        )


class Request(NamedTuple):
    """A chat request as JSON, and what holds for it."""

    body: bytes
    timeout: float | None
    attempts: int | None


def encode(
    messages: Messages,
    model: str,
    stream: bool,
    params: Mapping[str, Any],
    options: Options,
) -> Request:
    """Makes the request of what a caller has given."""
    fields = dict(params)
    options = options.but(fields.pop("timeout", None), fields.pop("max_retries", None))
    for name in ("extra_headers", "extra_query"):
        if fields.pop(name, None) is not None:
            raise TypeError(f"{name} has nowhere to go: there is no HTTP request between; leave it out")
    extra: Mapping[str, Any] = fields.pop("extra_body", None) or {}
    if isinstance(messages, str):
        messages = [{"role": "user", "content": messages}]
    fields = {"model": model, "messages": messages, "stream": stream, **fields}
    given = {name: value for name, value in fields.items() if value is not None} | dict(extra)
    text = json.dumps(given, default=_plain, ensure_ascii=False, separators=(",", ":"))
    # The engine says what is wrong with a text that is none.
    return Request(text.encode("utf-8", "surrogatepass"), *options)


def _plain(value: object) -> Any:
    if isinstance(value, SupportsModelDump):
        return value.model_dump(exclude_none=True)
    if isinstance(value, Mapping):
        return dict(cast("Mapping[str, object]", value))
    if isinstance(value, Iterable) and not isinstance(value, (bytes, bytearray)):
        return list(cast("Iterable[object]", value))
    raise TypeError(
        f"a {type(value).__name__} cannot be sent: use dicts, lists, texts, numbers, True, False and None"
    )
