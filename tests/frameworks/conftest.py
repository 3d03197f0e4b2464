"""A server in front of a chat-ui that says what a test tells it to."""

from typing import Callable, Iterator

import pytest

from programs import CHAT_UI_V2, Stage
from stages import starting


@pytest.fixture
def stage(tmp_path) -> Iterator[Stage]:
    with starting(tmp_path) as start:
        yield start(CHAT_UI_V2)


@pytest.fixture
def says(stage) -> Callable[..., None]:
    """Queues what the model says the next times it is asked."""

    def queue(*answers: str) -> None:
        for answer in answers:
            stage.simulator.script({"answer": answer})

    return queue


@pytest.fixture
def heard(stage) -> Callable[[], str]:
    """All that the upstream was sent: prompts and turns."""

    def read() -> str:
        return "\n".join(one["body"] for one in stage.simulator.snapshot()["requests"])

    return read
