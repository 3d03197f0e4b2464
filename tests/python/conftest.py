"""Fixtures: nearly every test starts a server of its own, and a simulator where it needs one."""

from contextlib import ExitStack
from typing import Callable, Iterator

import openai
import pytest

from programs import ALL, SIMULATED, Stage
from stages import Play, starting

@pytest.fixture
def play(tmp_path) -> Iterator[Play]:
    """Starts a server in front of an upstream; settings are environment variables."""
    with starting(tmp_path) as start:
        yield start


@pytest.fixture(scope="module")
def play_for_module(tmp_path_factory) -> Iterator[Play]:
    """Does the same for the tests of a whole module."""
    with starting(tmp_path_factory.mktemp("module")) as start:
        yield start


@pytest.fixture(params=ALL, ids=str)
def stage(request, play) -> Stage:
    """A server in front of each kind of upstream in turn."""
    return play(request.param)


@pytest.fixture(params=SIMULATED, ids=str)
def scripted(request, play) -> Stage:
    """A server in front of each kind of upstream that can be scripted."""
    return play(request.param)


@pytest.fixture
def connect(play) -> Iterator[Callable[..., openai.OpenAI]]:
    """Makes clients of the official package that do not retry; they are closed before the server."""
    with ExitStack() as clients:

        def make(stage: Stage, **settings) -> openai.OpenAI:
            defaults = {"base_url": stage.base_url, "api_key": "any", "max_retries": 0}
            return clients.enter_context(openai.OpenAI(**{**defaults, **settings}))

        yield make


@pytest.fixture
def ask(connect) -> Callable[..., openai.types.chat.ChatCompletion]:
    """Sends one chat with one message."""

    def send(stage: Stage, text: str, **fields):
        messages = [{"role": "user", "content": text}]
        create = connect(stage).chat.completions.create
        return create(model=stage.model, messages=messages, **fields)

    return send
