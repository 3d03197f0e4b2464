"""The file of scenarios, and the doors that it is run through.

A door is a class: made with a directory and settings, asked a request, closed. To add one, write it
and name it in `DOORS`.
"""

import asyncio
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import Any, Protocol
from unittest import mock

import llm2api
import openai

import transcript
from programs import ALL, Server, Upstream
from transcript import Json, without

FILE = Path(__file__).parent.parent / "scenarios" / "doors.json"
UPSTREAMS = {upstream.name: upstream for upstream in ALL}
IGNORED = "x-llm2api-ignored-params"


@dataclass(frozen=True)
class Case:
    """A scenario with one kind of upstream."""

    name: str
    upstream: Upstream
    settings: dict[str, str]
    script: list[list[Any]]
    request: Any
    expect: Json

    def __str__(self) -> str:
        return f"{self.name} ({self.upstream})"

    @property
    def leaves_marks(self) -> bool:
        """Whether the upstream does what its account may have to rest for."""
        faults = [step for steps in self.script for step in steps if "answer" not in step]
        error = self.expect.get("error")
        return bool(faults) or (error is not None and error.get("status") not in (400, 404))


def cases() -> list[Case]:
    """Reads the file."""
    return [
        case
        for scenario in json.loads(FILE.read_text(encoding="utf-8"))
        for case in with_each(**scenario)
    ]


def with_each(
    name: str,
    upstreams: list[str],
    request: Any,
    expect: Json,
    settings: dict[str, str] = {},
    script: list[list[Any]] = [],
    expect_of: list[Json] = [],
) -> Iterator[Case]:
    assert upstreams, name
    for upstream in upstreams:
        told = {**expect}
        for others in expect_of:
            if upstream in others["upstreams"]:
                told |= without(others, "upstreams")
        yield Case(name, UPSTREAMS[upstream], settings, script, request, told)


class Door(Protocol):
    """A way to the engine."""

    def __init__(self, directory: Path, settings: dict[str, str]) -> None:
        """Opens the door."""

    @staticmethod
    def takes(request: Any) -> bool:
        """Whether this request can be put to it at all."""

    def ask(self, request: Any) -> Json:
        """Sends a request, of which a text is sent as it is, and tells what comes of it."""

    def close(self) -> None:
        """Closes the door, once nothing is left to be done behind it."""


class Http:
    """The server, by the official package."""

    def __init__(self, directory: Path, settings: dict[str, str]) -> None:
        self.server = Server(directory, **settings)
        self.client = openai.OpenAI(
            base_url=self.server.base_url, api_key="any", max_retries=0, timeout=30
        )

    @staticmethod
    def takes(request: Any) -> bool:
        return True

    def ask(self, request: Any) -> Json:
        try:
            answer = self.create(request) if is_chat(request) else self.post(request)
        except openai.APIStatusError as error:
            retry_after = "retry-after" in error.response.headers
            told = transcript.failure(error.body, error.status_code, retry_after)
            return transcript.refused(told)
        ignored = answer.headers.get(IGNORED)
        return {**self.read(answer), **({"ignored": ignored.split(", ")} if ignored else {})}

    def create(self, request: Json) -> Any:
        """Asks as users do; what the package has no name for goes beside."""
        create = self.client.chat.completions.with_raw_response.create
        known = signature(create).parameters
        beside = {name: value for name, value in request.items() if name not in known}
        named = {name: value for name, value in request.items() if name in known}
        return create(**named, extra_body=beside)

    def post(self, request: Any) -> None:
        """Sends what the package would not let through."""
        text = request if isinstance(request, str) else json.dumps(request)
        self.client.post("/chat/completions", cast_to=object, content=text.encode())
        raise AssertionError(f"it was answered: {text}")

    def read(self, answer: Any) -> Json:
        answer = answer.parse()
        if not isinstance(answer, openai.Stream):
            return transcript.whole(answer.to_dict())
        chunks: list[Json] = []
        try:
            with answer:
                for chunk in answer:
                    chunks.append(chunk.to_dict())
        except openai.APIError as error:
            return transcript.streamed(chunks, transcript.failure(error.body))
        return transcript.streamed(chunks)

    def close(self) -> None:
        self.client.close()
        self.server.stop()


def is_chat(request: Any) -> bool:
    """Whether the official package takes it."""
    return (
        isinstance(request, dict) and "model" in request and isinstance(request.get("messages"), list)
    )


class Module:
    """The package in this process, set up by the environment as the server is."""

    def __init__(self, directory: Path, settings: dict[str, str]) -> None:
        with mock.patch.dict(os.environ, settings):
            self.client = llm2api.Client()

    @staticmethod
    def takes(request: Any) -> bool:
        return is_chat(request)

    def ask(self, request: Json) -> Json:
        answer, chunks = None, []
        try:
            answer = self.client.chat.completions.create(**as_given(request))
            if isinstance(answer, llm2api.Stream):
                for chunk in answer:
                    chunks.append(chunk.model_dump())
        except llm2api.APIError as error:
            return came(answer, chunks, error)
        return came(answer, chunks)

    def close(self) -> None:
        self.client.close()


class AsyncModule:
    """The same on an event loop."""

    def __init__(self, directory: Path, settings: dict[str, str]) -> None:
        self.loop = asyncio.new_event_loop()
        with mock.patch.dict(os.environ, settings):
            self.client = llm2api.AsyncClient()

    takes = Module.takes

    def ask(self, request: Json) -> Json:
        return self.loop.run_until_complete(self.told(request))

    async def told(self, request: Json) -> Json:
        answer, chunks = None, []
        try:
            answer = await self.client.chat.completions.create(**as_given(request))
            if isinstance(answer, llm2api.AsyncStream):
                async for chunk in answer:
                    chunks.append(chunk.model_dump())
        except llm2api.APIError as error:
            return came(answer, chunks, error)
        return came(answer, chunks)

    def close(self) -> None:
        self.loop.run_until_complete(self.client.close())
        self.loop.close()


def as_given(request: Json) -> Json:
    """The arguments that ask just this: what `stream` would be read as is left to the engine."""
    if isinstance(request.get("stream", False), bool):
        return request
    return {**without(request, "stream"), "extra_body": {"stream": request["stream"]}}


def came(answer: Any, chunks: list[Json], error: llm2api.APIError | None = None) -> Json:
    """Tells what came of a call: an answer, the chunks of one, an error, or both of these."""
    if answer is None:
        told = transcript.failure(error.body, error.status_code, error.retry_after is not None)
        return transcript.refused(told)
    if isinstance(answer, llm2api.ChatCompletion):
        told = transcript.whole(answer.model_dump())
    else:
        told = transcript.streamed(chunks, error and transcript.failure(error.body))
    return transcript.filled({**told, "ignored": answer.ignored_parameters})


DOORS: tuple[type[Door], ...] = (Http, Module, AsyncModule)
