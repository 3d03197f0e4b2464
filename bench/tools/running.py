"""Programs that are measured: how they are started, and what they take."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
UPSTREAM = 26301
KEY = "sk-bench"


@contextlib.contextmanager
def started(command: list[str], core: int, **settings: str) -> Iterator[int]:
    """Runs a program on one core; what it says goes to a file, as that of a service does."""
    with tempfile.TemporaryFile() as said:
        program = subprocess.Popen(
            ["taskset", "-c", str(core), *command], stdin=subprocess.DEVNULL, stdout=said,
            stderr=said, env={"PATH": os.environ["PATH"], **settings},
        )  # fmt: skip
        try:
            yield program.pid
        finally:
            program.terminate()
            program.wait()


def server(binary: str, port: int, data: str, credentials: int = 10, core: int = 0, **settings: str):
    """Runs our server with all of its stack in front of `load upstream`."""
    wanted = {
        "LISTEN": f"127.0.0.1:{port}", "API_KEY": KEY, "ADMIN_KEY": "sk-admin",
        "UPSTREAM_KIND": "openai", "UPSTREAM_URL": f"http://127.0.0.1:{UPSTREAM}/v1",
        "COOKIES": ",".join(f"sk-{number}" for number in range(credentials)),
        "MAX_CONCURRENCY_PER_CREDENTIAL": "1000", "DATA_DIR": data, **settings,
    }  # fmt: skip
    return started([binary], core, **wanted)


def answers(port: int, model: str) -> bool:
    """Whether a gateway passes a request on."""
    body = {"model": model, "messages": [{"role": "user", "content": "Hello"}]}
    head = {"content-type": "application/json", "authorization": f"Bearer {KEY}"}
    url = f"http://127.0.0.1:{port}/v1/chat/completions"
    request = urllib.request.Request(url, json.dumps(body).encode(), head)
    try:
        # By no proxy of the environment.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=5) as response:
            return response.status == 200
    except (urllib.error.URLError, OSError):
        return False


def wait_for(port: int, begun: float, model: str = "whole") -> float:
    """Seconds from the start of a gateway to its first answer."""
    while not answers(port, model):
        if time.monotonic() - begun > 20:
            sys.exit(f"nobody answers at port {port}")
        time.sleep(0.002)
    return time.monotonic() - begun


def tree(pid: int) -> list[int]:
    """A process and its children, which nginx works with."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(one for child in children for one in tree(int(child)))]


def cpu_s(pid: int) -> float:
    """User and system time of a process and its children, in seconds."""

    def ticks(one: int) -> int:
        fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])

    return sum(map(ticks, tree(pid))) / TICKS


def wait_until_idle(pid: int) -> None:
    """Waits until a program does next to nothing for a second."""
    for _ in range(60):
        before = cpu_s(pid)
        time.sleep(1)
        if cpu_s(pid) - before <= 0.02:
            return
    sys.exit("the server does not come to rest")


def resident_kib(pid: int) -> int:
    def of(one: int) -> int:
        lines = Path(f"/proc/{one}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))

    return sum(map(of, tree(pid)))


class Load:
    """The clients of one gateway while it runs."""

    def __init__(self, program: str, port: int, pid: int) -> None:
        self.program, self.port, self.pid = program, port, pid

    @contextlib.contextmanager
    def running(self, path: str, *figures: object) -> Iterator[subprocess.Popen[str]]:
        """The clients while they run."""
        command = ["taskset", "-c", "1", self.program, path, f"127.0.0.1:{self.port}"]
        command += map(str, figures)
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as clients:
            try:
                yield clients
            finally:
                clients.kill()

    def told(self, path: str, *figures: object) -> dict:
        """What the clients saw, and the gateway's CPU time meanwhile."""
        before = cpu_s(self.pid)
        with self.running(path, *figures) as clients:
            seen = heard(clients)
        return {**seen, "cpu_s": cpu_s(self.pid) - before}


def heard(clients: subprocess.Popen[str]) -> dict:
    """What clients have seen once they are done."""
    said, _ = clients.communicate(timeout=120)
    if clients.returncode != 0:
        sys.exit("the clients failed")
    return json.loads(said)
