#!/usr/bin/env python3
"""What the server costs beside nginx: both in front of one upstream, in turns, in one run.

    cargo build --release -p llm2api-server -p llm2api-bench --bins
    python3 bench/tools/beside_nginx.py target/release/llm2api-server target/release/load

nginx passes everything on and understands nothing: it is the floor. Each gateway has the first core
of this machine to itself, upstream and clients share the second. Prints the median of ROUNDS and the
server's ratio to nginx. The figures of a machine that does other things meanwhile are worth little,
their ratios more.

Needs nginx, two cores, Python 3.10 or newer and Linux's /proc.
"""

import argparse
import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path

from running import UPSTREAM, Load, heard, resident_kib, server, started, wait_for

NGINX, SERVER = 26302, 26303
NGINX_CONF = f"""
daemon off;
pid nginx.pid;
error_log stderr warn;
worker_processes 1;
events {{ worker_connections 16000; }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    client_body_temp_path temp; proxy_temp_path temp; fastcgi_temp_path temp;
    uwsgi_temp_path temp; scgi_temp_path temp;
    upstream one {{ server 127.0.0.1:{UPSTREAM}; keepalive 1024; keepalive_requests 1000000000; }}
    server {{
        listen 127.0.0.1:{NGINX} backlog=8192;
        location / {{
            proxy_pass http://one;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_buffering off;
        }}
    }}
}}
"""


class Run(Load):
    """One gateway while it runs."""

    def figures(self) -> dict[str, float]:
        idle = resident_kib(self.pid)
        with self.running("chunks", 1_000, 3, 6, 1_000_000) as clients:
            time.sleep(5)
            open_kib = resident_kib(self.pid)
            if heard(clients)["answers"] != 1_000:
                sys.exit("not all of 1,000 streams were open")
        self.told("requests", 64, 1)
        requests = self.told("requests", 64, 4)
        tight = self.told("chunks", 32, 4, 200, 0)
        paced = self.told("chunks", 10, 4, 100, 10_000)
        return {
            "CPU µs a request": 1e6 * requests["cpu_s"] / requests["answers"],
            "CPU µs a chunk, no gap": 1e6 * tight["cpu_s"] / tight["chunks"],
            "CPU µs a chunk, 1,000/s": 1e6 * paced["cpu_s"] / paced["chunks"],
            "first chunk p50 µs": paced["first_us"]["p50"],
            "chunk p50 µs": paced["forward_us"]["p50"],
            "chunk p99 µs": paced["forward_us"]["p99"],
            "reads with two chunks": paced["merged"],
            "idle MiB": idle / 1024,
            "KiB a stream of 1,000": (open_kib - idle) / 1000,
        }


def measure(options: argparse.Namespace, folder: str) -> dict[str, dict[str, float]]:
    """One round: each gateway afresh."""
    found = {}
    for name in ("nginx", "server"):
        begun = time.monotonic()
        if name == "nginx":
            Path(folder, "nginx.conf").write_text(NGINX_CONF)
            port, program = NGINX, started(["nginx", "-p", folder, "-c", "nginx.conf"], 0)
        else:
            port, program = SERVER, server(options.server, SERVER, tempfile.mkdtemp(dir=folder))
        with program as pid:
            start_s = wait_for(port, begun)
            found[name] = {"start s": start_s, **Run(options.load, port, pid).figures()}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("server", help="the release binary")
    parser.add_argument("load", help="the built `load`")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with tempfile.TemporaryDirectory() as folder:
        with started([options.load, "upstream", str(UPSTREAM)], 1):
            wait_for(UPSTREAM, time.monotonic())
            rounds = [measure(options, folder) for _ in range(options.rounds)]
    print(f"{'':26}{'nginx':>10}{'server':>10}{'ratio':>8}")
    for figure in rounds[0]["server"]:
        nginx, server = (
            statistics.median(found[name][figure] for found in rounds)
            for name in ("nginx", "server")
        )
        ratio = f"{server / nginx:8.2f}" if nginx else f"{'–':>8}"
        print(f"{figure:26}{nginx:10.2f}{server:10.2f}{ratio}")


if __name__ == "__main__":
    main()
