#!/usr/bin/env python3
"""What the dashboard costs the request path: CPU a request with and without open tabs.

Starts the server in front of the simulator, both on loopback, and sends the same number of streamed
chats in turns without and with TABS readers of `/events`. Prints the server's CPU time a request
for both and their ratio, the median over the pairs of rounds.

    cargo build --release -p llm2api-server -p llm2api-tests --bins
    python3 bench/tools/tabs.py target/release/llm2api-server target/release/llm2api-sim

Needs Python 3.10 or newer and Linux's /proc; exits with 1 where the ratio is above LIMIT.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile

from running import cpu_s

KEY = "sk-bench"
BODY = json.dumps(
    {"model": "meta-llama/Meta-Llama-3.1-70B-Instruct", "stream": True,
     "messages": [{"role": "user", "content": "Hello"}]}
).encode()


def head(method: str, path: str, length: int = 0) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Authorization: Bearer {KEY}"]
    if length:
        lines += ["Content-Type: application/json", f"Content-Length: {length}"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def start(command: list[str], prefix: str, **settings: str) -> tuple[subprocess.Popen, str]:
    """Starts a program and returns what follows `prefix` on its standard output."""
    program = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        stderr=subprocess.DEVNULL, env={"PATH": os.environ["PATH"], **settings},
    )
    for line in program.stdout:
        if line.startswith(prefix):
            return program, line.removeprefix(prefix).strip()
    sys.exit(f"{command[0]} did not start")


async def chats(port: int, count: int) -> None:
    """Sends chats one after the other over one connection, and reads each to its end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(count):
        writer.write(head("POST", "/v1/chat/completions", len(BODY)) + BODY)
        answer = await reader.readuntil(b"\r\n\r\n")
        if not answer.startswith(b"HTTP/1.1 200"):
            sys.exit(f"refused: {answer!r}")
        await reader.readuntil(b"0\r\n\r\n")
    writer.close()


async def tab(port: int, seen: list[int]) -> None:
    """Reads events until it is cancelled."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 24)
    writer.write(head("GET", "/events"))
    answer = await reader.readuntil(b"\r\n\r\n")
    if not answer.startswith(b"HTTP/1.1 200"):
        sys.exit(f"refused: {answer!r}")
    try:
        while piece := await reader.read(1 << 16):
            seen[0] += len(piece)
    finally:
        writer.close()


async def measure(port: int, pid: int, options: argparse.Namespace, tabs: int) -> float:
    """CPU seconds of the server a request, while so many tabs are open."""
    seen = [0]
    readers = [asyncio.ensure_future(tab(port, seen)) for _ in range(tabs)]
    while tabs and seen[0] == 0:
        await asyncio.sleep(0.05)
    before = cpu_s(pid)
    each = options.requests // options.connections
    await asyncio.gather(*(chats(port, each) for _ in range(options.connections)))
    took = cpu_s(pid) - before
    for reader in readers:
        reader.cancel()
    await asyncio.gather(*readers, return_exceptions=True)
    return took / (each * options.connections)


async def rounds(port: int, pid: int, options: argparse.Namespace) -> float:
    await measure(port, pid, options, 0)
    ratios = []
    for at in range(options.rounds):
        order = [0, options.tabs] if at % 2 == 0 else [options.tabs, 0]
        took = {tabs: await measure(port, pid, options, tabs) for tabs in order}
        ratios.append(took[options.tabs] / took[0])
        print(f"{took[0] * 1e6:7.1f} us without, {took[options.tabs] * 1e6:7.1f} us with "
              f"{options.tabs} tabs: {ratios[-1]:.3f}", flush=True)
    return statistics.median(ratios)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("server")
    parser.add_argument("simulator")
    parser.add_argument("--tabs", type=int, default=50)
    parser.add_argument("--requests", type=int, default=20_000, help="a round")
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--limit", type=float, default=1.03)
    options = parser.parse_args()
    simulator, url = start(
        [options.simulator, "--api-key", "sk-up", "--exit-with-stdin"], "LISTENING "
    )
    with tempfile.TemporaryDirectory() as directory:
        server, address = start(
            [options.server], "OPENAI_BASE_URL=", LISTEN="127.0.0.1:0", API_KEY=KEY,
            DATA_DIR=directory, UPSTREAM_KIND="openai", UPSTREAM_URL=f"{url}/v1", COOKIES="sk-up",
            MAX_CONCURRENCY_PER_CREDENTIAL=str(2 * options.connections), RUST_LOG="info",
        )
        try:
            port = int(address.split(":")[2].split("/")[0])
            ratio = asyncio.run(rounds(port, server.pid, options))
        finally:
            server.terminate()
            server.wait()
            simulator.terminate()
    print(f"median ratio {ratio:.3f}, at most {options.limit}")
    sys.exit(0 if ratio <= options.limit else 1)


if __name__ == "__main__":
    main()
