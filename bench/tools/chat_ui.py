#!/usr/bin/env python3
"""What a chunk costs that comes as a line of chat-ui's and leaves as one of OpenAI's.

    cargo build --release -p llm2api-server -p llm2api-bench -p llm2api-tests --bins
    python3 bench/tools/chat_ui.py target/release/llm2api-server target/release/load \\
        target/release/llm2api-sim

Runs the server in front of the simulator, once as chat-ui and once as an OpenAI-compatible service, in
turns. Prints the median of CPU a chunk for both; beside nginx the second is what `beside_nginx.py`
measures.

Needs two cores, Python 3.10 or newer and Linux's /proc.
"""

import argparse
import contextlib
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator

from running import Load, server, wait_for

PORT = 26305
MODEL = "meta-llama/Meta-Llama-3.1-70B-Instruct"
CREDENTIALS = ",".join(f"token-{number}" for number in range(10))
CLIENTS, WORDS = 16, 400


@contextlib.contextmanager
def simulator(program: str) -> Iterator[str]:
    """The address of a simulator that writes as fast as it can."""
    running = subprocess.Popen(
        ["taskset", "-c", "1", program, "--token-delay-ms=0", "--exit-with-stdin"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        yield next(line for line in running.stdout if line.startswith("LISTENING ")).split()[1]
    finally:
        running.stdin.close()
        running.wait()


def cost(options: argparse.Namespace, kind: str, url: str) -> float:
    """CPU microseconds a chunk."""
    wanted = {"UPSTREAM_KIND": kind, "UPSTREAM_URL": url, "COOKIES": CREDENTIALS}
    with (
        tempfile.TemporaryDirectory() as data,
        server(options.server, PORT, data, **wanted) as pid,
    ):
        wait_for(PORT, time.monotonic(), MODEL)
        load = Load(options.load, PORT, pid)
        load.told("echo", CLIENTS, 1, WORDS, MODEL)
        took = load.told("echo", CLIENTS, options.seconds, WORDS, MODEL)
        return 1e6 * took["cpu_s"] / took["chunks"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("server", help="the release binary")
    parser.add_argument("load", help="the built `load`")
    parser.add_argument("simulator", help="the built `llm2api-sim`")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4)
    options = parser.parse_args()
    with simulator(options.simulator) as url:
        kinds = {"chat-ui": url, "openai": f"{url}/v1"}
        rounds = [
            {kind: cost(options, kind, place) for kind, place in kinds.items()}
            for _ in range(options.rounds)
        ]
    for kind in kinds:
        took = statistics.median(took[kind] for took in rounds)
        print(f"{kind:10}{took:8.2f} µs a chunk")


if __name__ == "__main__":
    main()
