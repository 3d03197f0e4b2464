#!/usr/bin/env python3
"""What a request and a chunk cost in instructions, which hardly depend on the machine.

Counts them with callgrind over `paths`, which runs the server with all of its stack, an upstream and
a client in one thread, and compares with `bench/instructions.json`. A count that has grown by more
than LIMIT is an error; one that has shrunk as much says that the file should be written anew.

    cargo build --profile counted -p llm2api-bench --bin paths
    python3 bench/tools/instructions.py target/counted/paths
    python3 bench/tools/instructions.py target/counted/paths --accept

Needs valgrind and Python 3.10 or newer.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

COMMITTED = Path(__file__).resolve().parents[1] / "instructions.json"
LIMIT = 0.05
# How much of each path a short and a long run do.
RUNS = {"requests": (200, 1_000), "chunks": (2_000, 20_000)}


def count(program: str, path: str, amount: int) -> int:
    """Instructions of one run."""
    with tempfile.TemporaryDirectory() as folder:
        command = [
            "valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out",
            program, path, str(amount),
        ]  # fmt: skip
        run = subprocess.run(command, capture_output=True, text=True, timeout=600)
    collected = re.search(r"Collected : (\d+)", run.stderr)
    if run.returncode != 0 or not collected:
        sys.exit(f"{' '.join(command)} failed:\n{run.stderr[-2000:]}")
    return int(collected[1])


def each(program: str, path: str) -> int:
    """Instructions for one of a path."""
    short, long = RUNS[path]
    return round((count(program, path, long) - count(program, path, short)) / (long - short))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", help="the built `paths`")
    parser.add_argument("--accept", action="store_true", help="writes what was counted")
    options = parser.parse_args()
    counted = {path: each(options.program, path) for path in RUNS}
    if options.accept:
        COMMITTED.write_text(json.dumps(counted, indent=2) + "\n")
    committed = json.loads(COMMITTED.read_text())
    failed = False
    for path, now in counted.items():
        change = now / committed[path] - 1
        print(f"{path}: {now:,} instructions each, {change:+.1%} against {committed[path]:,}")
        failed |= change > LIMIT
        if change < -LIMIT:
            print(f"  fewer by more than {LIMIT:.0%}: write them down with --accept")
    if failed:
        sys.exit(f"more than {LIMIT:.0%} were added: see bench/README.md")


if __name__ == "__main__":
    main()
