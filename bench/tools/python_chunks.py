#!/usr/bin/env python3
"""What a chunk costs in Python above what it costs in Rust, in CPU time.

The simulator streams an answer to a program that reads it: in Rust, and in Python by each way there is.
The cost of a chunk is the slope between a short and a long answer, so that starting up does not count;
the median over the rounds is printed, less that of Rust.

    cargo build --release -p llm2api-tests -p llm2api-bench --bins --examples
    maturin build --release -m llm2api-py/Cargo.toml && pip install …
    python bench/tools/python_chunks.py target/release/llm2api-sim target/release/examples/read_chunks

Run it by the Python that has the package. Exits with 1 where a way costs more than LIMIT above Rust.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import urllib.request

SHORT = 2_000
MODEL = "meta-llama/Meta-Llama-3.1-70B-Instruct"
ASK = f'client.chat("Hello", model="{MODEL}", stream=True)'
PROGRAM = """
import asyncio, sys, llm2api

def sync():
    client = llm2api.Client(sys.argv[1], upstream="openai")
    letters = 0
    for chunk in {ask}:
        letters += len({text})
    assert letters

async def read():
    client = llm2api.AsyncClient(sys.argv[1], upstream="openai")
    letters = 0
    async for chunk in await {ask}:
        letters += len({text})
    assert letters

{run}
"""
WAYS = {
    "sync, chunk.text": ("chunk.text", "sync()"),
    "sync, choices[0].delta.content": ("chunk.choices[0].delta.content or ''", "sync()"),
    "async, chunk.text": ("chunk.text", "asyncio.run(read())"),
    "async, choices[0].delta.content": (
        "chunk.choices[0].delta.content or ''",
        "asyncio.run(read())",
    ),
}


def chunk(text: str, reason: str | None = None) -> dict:
    delta = {"content": text} if text else {}
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": MODEL}
    return {**head, "choices": [choice]}


def script(url: str, chunks: int, pause: int) -> None:
    """Has the simulator answer the next chat with so many chunks, `pause` ms between two of them."""
    word = {"event": chunk("word ")}
    words = [word] * chunks if pause == 0 else [word, {"sleep": pause}] * chunks
    steps = [*words, {"event": chunk("", "stop")}, "done"]
    body = json.dumps({"steps": steps}).encode()
    urllib.request.urlopen(f"{url}/__sim/script", body).read()


def cpu(command: list[str]) -> float:
    """The CPU time of a program, in seconds."""
    process = subprocess.Popen(command)
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(f"{command[0]} failed")
    return usage.ru_utime + usage.ru_stime


def slope(url: str, command: list[str], options: argparse.Namespace) -> float:
    """Seconds of CPU a chunk."""
    took = {}
    for chunks in (options.short, options.chunks):
        script(url, chunks, options.pause)
        took[chunks] = cpu([*command, f"{url}/v1"])
    return (took[options.chunks] - took[options.short]) / (options.chunks - options.short)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("simulator")
    parser.add_argument("rust", help="the program read_chunks")
    parser.add_argument("--chunks", type=int, default=50_000)
    parser.add_argument("--short", type=int, default=SHORT)
    parser.add_argument("--pause", type=int, default=0, help="ms between two chunks")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--limit", type=float, default=3.0, help="in us")
    options = parser.parse_args()
    simulator = subprocess.Popen(
        [options.simulator, "--exit-with-stdin"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    url = next(line for line in simulator.stdout if line.startswith("LISTENING ")).split()[1]
    programs = {name: PROGRAM.format(ask=ASK, text=text, run=run) for name, (text, run) in WAYS.items()}
    commands = {name: [sys.executable, "-c", program] for name, program in programs.items()}
    took: dict[str, list[float]] = {name: [] for name in ["Rust", *commands]}
    for _ in range(options.rounds):
        took["Rust"].append(slope(url, [options.rust], options))
        for name, command in commands.items():
            took[name].append(slope(url, command, options))
    simulator.stdin.close()
    rust = statistics.median(took["Rust"]) * 1e6
    print(f"{rust:6.2f} us  Rust")
    above = {name: statistics.median(took[name]) * 1e6 - rust for name in commands}
    for name, cost in above.items():
        print(f"{cost:+6.2f} us  {name}")
    sys.exit(0 if max(above.values()) <= options.limit else 1)


if __name__ == "__main__":
    main()
