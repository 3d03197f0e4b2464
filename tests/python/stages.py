"""Servers in front of upstreams, each with a data directory of its own."""

from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from typing import Callable, Iterator

from programs import DEMO, Server, Simulator, Stage, Upstream

Play = Callable[..., Stage]


@contextmanager
def starting(directory: Path) -> Iterator[Play]:
    """A function that starts a server in front of an upstream; everything stops at the end.

    Each server has a data directory of its own, unless `DATA_DIR` names one.
    """
    numbers = count(1)
    with ExitStack() as running:

        def start(upstream: Upstream, **settings: str) -> Stage:
            simulator = None
            if upstream is not DEMO:
                simulator = Simulator(directory, *upstream.arguments)
                running.callback(simulator.stop)
                settings = {**upstream.settings_for(simulator), **settings}
            data = directory / f"data-{next(numbers)}"
            server = Server(directory, **{"DATA_DIR": str(data), **settings})
            running.callback(server.stop)
            return Stage(upstream, server, simulator)

        yield start
