"""A Redis of a test's own."""

import socket
import subprocess
import time
from pathlib import Path

from programs import POLL, START_DEADLINE, STOP_DEADLINE


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Redis:
    """`redis-server`, which keeps nothing on disk."""

    def __init__(self, directory: Path) -> None:
        self.port = free_port()
        command = ["redis-server", "--bind", "127.0.0.1", "--port", str(self.port), "--save", ""]
        with (directory / "redis.log").open("ab") as log:
            self.process = subprocess.Popen(command, cwd=directory, stdout=log, stderr=log)
        deadline = time.monotonic() + START_DEADLINE
        while self.say("PING") != b"+PONG\r\n":
            assert self.process.poll() is None, (directory / "redis.log").read_text()
            assert time.monotonic() < deadline, "it does not answer"
            time.sleep(POLL)

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def say(self, command: str) -> bytes:
        """Returns the first answer to a command; nothing where nobody listens."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
                connection.sendall(f"{command}\r\n".encode())
                return connection.recv(1024)
        except ConnectionError:
            return b""

    def stop(self) -> None:
        self.process.terminate()
        assert self.process.wait(timeout=STOP_DEADLINE) == 0
