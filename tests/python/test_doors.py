"""One file of scenarios, and through every door the same answers: through the server here, through
the Rust crate in `tests/tests/doors`."""

import json
import re
from contextlib import ExitStack
from typing import Any, Callable, Iterator

import pytest

from doors import DOORS, Case, Door, cases
from programs import DEMO, Simulator, Upstream
from transcript import Json

CASES = cases()
SEND = re.compile(r"/conversation/[^/]+$|.*/chat/completions$")
# What a chat has made is deleted after it, and nothing is waited for at the end.
SETTINGS = {"CONVERSATIONS": "fresh", "STORE_URL": "memory:", "SHUTDOWN_GRACE": "0"}


@pytest.fixture(scope="module")
def simulator(tmp_path_factory) -> Iterator[Callable[[Upstream], Simulator]]:
    """A simulator of each kind, as new."""
    running: dict[str, Simulator] = {}
    with ExitStack() as stack:

        def start(upstream: Upstream) -> Simulator:
            if upstream.name not in running:
                directory = tmp_path_factory.mktemp(upstream.name)
                running[upstream.name] = Simulator(directory, *upstream.arguments)
                stack.callback(running[upstream.name].stop)
            running[upstream.name].reset()
            return running[upstream.name]

        yield start


@pytest.fixture(scope="module")
def shared(tmp_path_factory) -> Iterator[dict[str, Door]]:
    """The doors that several cases go through, by all that they were made of."""
    doors: dict[str, Door] = {}
    yield doors
    for door in doors.values():
        door.close()


@pytest.fixture
def ask(shared, tmp_path) -> Callable[..., Json]:
    """Asks through a door; one that may be left with a resting account is used only once."""

    def through(kind: type[Door], case: Case, settings: dict[str, str]) -> Json:
        if case.leaves_marks:
            door = kind(tmp_path, settings)
            try:
                return door.ask(case.request)
            finally:
                door.close()
        key = json.dumps([kind.__name__, settings])
        if key not in shared:
            shared[key] = kind(tmp_path, settings)
        return shared[key].ask(case.request)

    return through


def sends(simulator: Simulator) -> int:
    """Counts the chats, once nothing of them is left."""
    left = simulator.wait_for(lambda log: not log["running"] and not log["conversations"])
    return sum(is_send(request) for request in left["requests"])


def is_send(request: dict[str, Any]) -> bool:
    return request["method"] == "POST" and SEND.match(request["path"]) is not None


def test_there_are_scenarios():
    assert all(sum(door.takes(case.request) for case in CASES) > 40 for door in DOORS)
    assert len({str(case) for case in CASES}) == len(CASES)


@pytest.mark.parametrize(
    ("door", "case"),
    [(door, case) for door in DOORS for case in CASES if door.takes(case.request)],
    ids=lambda value: value.__name__ if isinstance(value, type) else str(value),
)
def test_a_door_gives_what_the_file_says(door, case, simulator, ask):
    if case.upstream is DEMO:
        given = ask(door, case, {**SETTINGS, **case.settings})
    else:
        upstream = simulator(case.upstream)
        for steps in case.script:
            upstream.script(*steps)
        own = {name: text.replace("{upstream}", upstream.url) for name, text in case.settings.items()}
        given = ask(door, case, {**SETTINGS, **case.upstream.settings_for(upstream), **own})
        given["sends"] = sends(upstream)
    assert given == case.expect, f"expected {shown(case.expect)}\ngiven {shown(given)}"


def shown(told: Json) -> str:
    return json.dumps(told, indent=2, ensure_ascii=False)
