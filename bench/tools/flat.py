#!/usr/bin/env python3
"""Whether a request costs the same however much there is: credentials, rows of statistics.

    cargo build --release -p llm2api-server -p llm2api-bench --bins
    python3 bench/tools/flat.py target/release/llm2api-server target/release/load

Runs the server with 1 and with 10,000 credentials, and with a SQLite file that has 1,000,000 rows of
statistics, in turns. Prints the median of CPU a request and its ratio to that of ten credentials and
an empty file; exits with 1 where one is above LIMIT.

Needs two cores, Python 3.10 or newer and Linux's /proc.
"""

import argparse
import sqlite3
import statistics
import sys
import tempfile
import time
from pathlib import Path

from running import UPSTREAM, Load, server, started, wait_for, wait_until_idle

PORT = 26304
LIMIT = 1.1
MINUTES, SERIES = 1_440, 695
# Credentials and rows of each case; the first is what the others are compared with.
CASES = {
    "10 credentials": (10, 0),
    "1 credential": (1, 0),
    "10,000 credentials": (10_000, 0),
    "1,000,000 rows": (10, MINUTES * SERIES),
}
# A day of minutes, each of many series, all with what one of the server's own rows says.
FILL = f"""
WITH RECURSIVE minute (back) AS (SELECT 1 UNION ALL SELECT back + 1 FROM minute WHERE back < {MINUTES}),
     series (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM series WHERE number < {SERIES}),
     sample AS (SELECT figures FROM point LIMIT 1)
INSERT OR IGNORE INTO point (span, part, series, at, figures)
SELECT 60, (?1 - back) / 5, 'credential:cred_' || number, ?1 - back, figures
FROM minute, series, sample
"""


def fill(options: argparse.Namespace, data: str, rows: int) -> None:
    """Has the server make its file, and fills it."""
    with server(options.server, PORT, data):
        wait_for(PORT, time.monotonic())
    with sqlite3.connect(next(Path(data).glob("*.db"))) as file:
        file.execute(FILL, [int(time.time()) // 60])
        found = file.execute("SELECT count(*) FROM point").fetchone()[0]
    if found < rows:
        sys.exit(f"the file has {found} rows of {rows}")


def cost(options: argparse.Namespace, credentials: int, rows: int) -> float:
    """CPU microseconds a request."""
    with tempfile.TemporaryDirectory() as data:
        if rows:
            fill(options, data, rows)
        with server(options.server, PORT, data, credentials) as pid:
            wait_for(PORT, time.monotonic())
            load = Load(options.load, PORT, pid)
            load.told("requests", 64, 1)
            wait_until_idle(pid)
            took = load.told("requests", 64, options.seconds)
            return 1e6 * took["cpu_s"] / took["answers"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("server", help="the release binary")
    parser.add_argument("load", help="the built `load`")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4)
    options = parser.parse_args()
    with started([options.load, "upstream", str(UPSTREAM)], 1):
        wait_for(UPSTREAM, time.monotonic())
        rounds = [
            {name: cost(options, *case) for name, case in CASES.items()}
            for _ in range(options.rounds)
        ]
    base, failed = statistics.median(took["10 credentials"] for took in rounds), False
    for name in CASES:
        took = statistics.median(took[name] for took in rounds)
        print(f"{name:20}{took:8.1f} µs a request{took / base:8.2f}")
        failed |= took / base > LIMIT
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
