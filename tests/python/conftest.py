"""Fixtures: nearly every test starts a server of its own, and a simulator where it needs one."""

import signal
from contextlib import ExitStack
from typing import Callable, Iterator

import openai
import pytest

from in_process import Scene, Script
from programs import ALL, DEMO, SIMULATED, Simulator, Stage, Upstream
from stages import Play, starting


def pytest_configure() -> None:
    """Programs that tests start hear Ctrl-C, also where a shell runs the tests in the background: that
    has it ignored, and what is ignored is inherited.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


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


@pytest.fixture
def over(tmp_path) -> Iterator[Callable[..., Scene]]:
    """Starts an upstream alone; the clients are in this process."""
    with ExitStack() as closing:

        def start(upstream: Upstream, asynchronous: bool = False) -> Scene:
            simulator = None
            if upstream is not DEMO:
                simulator = Simulator(tmp_path, *upstream.arguments)
                closing.callback(simulator.stop)
            return Scene(upstream, simulator, closing, asynchronous)

        yield start


@pytest.fixture(params=[False, True], ids=["sync", "async"])
def over_by_door(request, over) -> Callable[[Upstream], Scene]:
    """Does the same; the clients are those of each door in turn."""
    return lambda upstream: over(upstream, request.param)


@pytest.fixture(params=ALL, ids=str)
def scene(request, over_by_door) -> Scene:
    """Each kind of upstream in turn, by each door."""
    return over_by_door(request.param)


@pytest.fixture(params=SIMULATED, ids=str)
def scripted_scene(request, over_by_door) -> Scene:
    """Each kind of upstream that can be scripted, by each door."""
    return over_by_door(request.param)


@pytest.fixture
def script(tmp_path) -> Iterator[Callable[..., Script]]:
    """Starts a Python program with a client of a scene; what is left of it ends with the test."""
    with ExitStack() as running:

        def start(scene: Scene, text: str, **settings: object) -> Script:
            program = Script(tmp_path, scene.keywords(**settings), text)
            running.callback(program.stop)
            return program

        yield start
