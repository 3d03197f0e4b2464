"""Clients in this process over the simulator alone, and what is waited for at an upstream."""

import asyncio
import inspect
import json
import sys
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Iterator

import llm2api

from programs import Program, Simulator, Upstream

# What a guarantee allows between leaving an answer and the upstream being free.
RELEASED_WITHIN = 1.0
LONG = "SLOW LONGRUN"


class Waited:
    """Something asynchronous, whose calls are waited for: a test for one door serves for both."""

    def __init__(self, inner: Any, loop: asyncio.AbstractEventLoop) -> None:
        self.inner, self.loop = inner, loop

    def _wait(self, value: Any) -> Any:
        if inspect.isawaitable(value):
            value = self.loop.run_until_complete(value)
        steps = callable(value) or isinstance(value, (llm2api.AsyncClient, llm2api.AsyncStream))
        return Waited(value, self.loop) if steps or _is_path(value) else value

    def __getattr__(self, name: str) -> Any:
        return self._wait(getattr(self.inner, name))

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        return self._wait(self.inner(*arguments, **named))

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        try:
            return self._wait(anext(self.inner))
        except StopAsyncIteration:
            raise StopIteration from None

    def __enter__(self) -> "Waited":
        return self._wait(self.inner.__aenter__())

    def __exit__(self, *error: Any) -> None:
        self._wait(self.inner.__aexit__(*error))


def _is_path(value: Any) -> bool:
    """Whether it is `client.chat` or `client.chat.completions`."""
    return type(value).__module__ == "llm2api._async_client"


@dataclass
class Scene:
    """An upstream without a server; clients over it are closed before it ends."""

    upstream: Upstream
    simulator: Simulator | None
    closing: ExitStack
    asynchronous: bool = False
    loop: asyncio.AbstractEventLoop | None = field(default=None)

    @property
    def model(self) -> str:
        return self.upstream.model

    def keywords(self, **settings: Any) -> dict[str, Any]:
        """What a client over the upstream is made with; what a chat has made is deleted after it,
        unless a test is about going on with it.
        """
        if self.simulator is None:
            return {"upstream": "demo", **settings}
        given = self.upstream.settings_for(self.simulator)
        secrets = given["COOKIES"].splitlines() if "COOKIES" in given else []
        made = {"base_url": given["UPSTREAM_URL"], "upstream": given["UPSTREAM_KIND"]}
        return {**made, "credentials": secrets, "conversations": "fresh", **settings}

    def client(self, **settings: Any) -> Any:
        """Makes a client that is closed at the end; that of an asynchronous scene is waited for."""
        if self.asynchronous:
            client: Any = Waited(self.async_client(**settings), self._loop())
        else:
            client = llm2api.Client(**self.keywords(**settings))
        self.closing.callback(client.close)
        return client

    def async_client(self, **settings: Any) -> llm2api.AsyncClient:
        """Makes a client for a loop of the test's own, which closes it."""
        return llm2api.AsyncClient(**self.keywords(**settings))

    def sent(self) -> list[dict[str, Any]]:
        """The bodies of the chats that an OpenAI-compatible upstream was sent."""
        requests = self.simulator.snapshot()["requests"]
        chats = [one for one in requests if one["path"].endswith("/chat/completions")]
        return [json.loads(one["body"]) for one in chats]

    def _loop(self) -> asyncio.AbstractEventLoop:
        if self.loop is None:
            self.loop = asyncio.new_event_loop()
            self.closing.callback(self.loop.close)
        return self.loop


def text_of(stream: Any) -> str:
    return "".join(chunk.text for chunk in stream)


def begun(client: Any, model: str, text: str = LONG) -> Any:
    """Begins a long answer and reads its first text."""
    stream = client.chat(text, model=model, stream=True)
    while not next(stream).text:
        pass
    return stream


def is_free(snapshot: dict[str, Any]) -> bool:
    return not snapshot["running"]


def released(simulator: Simulator, stops: int = 1) -> dict[str, Any]:
    """Waits until nothing runs on a chat-ui, as long as is allowed, and counts its stops: each met a
    run, and none was stopped twice.
    """
    simulator.wait_for(is_free, within=RELEASED_WITHIN)
    snapshot = simulator.wait_for(lambda log: len(log["deleted"]) >= stops)
    told = [(stop["conversation"], stop["running"]) for stop in snapshot["stop_calls"]]
    assert len(told) == len(set(told)) == stops, snapshot["stop_calls"]
    assert all(running for _, running in told), snapshot["stop_calls"]
    return snapshot


class Script(Program):
    """A Python program of a test; it gets a client's keywords, and prints what it wants to tell."""

    BEGIN = "import json, os, sys, threading\nimport llm2api\nkeywords = json.loads(sys.argv[1])\n"

    def __init__(self, directory: Path, keywords: dict[str, Any], text: str) -> None:
        command = [sys.executable, "-u", "-c", self.BEGIN + text, json.dumps(keywords)]
        super().__init__(command, {"PYTHONFAULTHANDLER": "1"}, directory)

    def ends(self, within: float) -> int:
        """Waits for the end and returns the exit code."""
        return self.process.wait(timeout=within)

    def stop(self) -> None:
        """Ends what is left of it; its own end is for the test to look at."""
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.reader.join()
        self.process.stdout.close()
        assert "panicked at" not in self.log(), self.log()
