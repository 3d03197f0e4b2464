"""The server and the simulator as processes, each on a port of its own."""

import json
import os
import queue
import signal
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable

import requests

START_DEADLINE = 30.0
STOP_DEADLINE = 15.0
POLL = 0.02


def built(name: str) -> str:
    """The path of a program that the test command has built."""
    path = os.environ.get(name)
    if not path:
        raise RuntimeError(f"{name} is not set: run the tests with `./tests/run python`")
    return path


class Program:
    """A process that prints a line when it can be used, and fails the test when it panics."""

    def __init__(self, command: list[str], environment: dict[str, str], directory: Path) -> None:
        self.log_path = directory / f"{Path(command[0]).name}.log"
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                cwd=directory,
                env={"PATH": os.environ["PATH"], **environment},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                encoding="utf-8",
            )
        self.lines: queue.Queue[str | None] = queue.Queue()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        for line in self.process.stdout:
            self.lines.put(line.rstrip("\n"))
        self.lines.put(None)

    def wait_for_line(self, prefix: str) -> str:
        """Returns what follows `prefix` on the first line of stdout that starts with it."""
        deadline = time.monotonic() + START_DEADLINE
        while True:
            try:
                line = self.lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                line = None
            if line is None:
                raise AssertionError(f"no line `{prefix}…`; its log says:\n{self.log()}")
            if line.startswith(prefix):
                return line.removeprefix(prefix).strip()

    def log(self) -> str:
        return self.log_path.read_text(encoding="utf-8")

    def is_running(self) -> bool:
        return self.process.poll() is None

    def stop(self) -> None:
        """Ends the process as an operator would, and fails where that does not end it well."""
        if self.is_running():
            self._ask_to_end()
        try:
            code = self.process.wait(timeout=STOP_DEADLINE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"it does not end; its log says:\n{self.log()}") from None
        finally:
            self.process.stdin.close()
            self.reader.join(timeout=STOP_DEADLINE)
            self.process.stdout.close()
        log = self.log()
        assert "panicked at" not in log, log
        assert code == 0, f"it ended with {code}; its log says:\n{log}"

    def _ask_to_end(self) -> None:
        self.process.send_signal(signal.SIGTERM)


class Server(Program):
    """`llm2api-server`, or another command that serves, set up by the environment alone."""

    def __init__(self, directory: Path, command: list[str] | None = None, **settings: str) -> None:
        defaults = {"LISTEN": "127.0.0.1:0", "SHUTDOWN_GRACE": "5s", "RUST_LOG": "debug"}
        # What a chat has made is deleted after it, unless a test is about going on with it.
        defaults["CONVERSATIONS"] = "fresh"
        command = command or [built("LLM2API_SERVER")]
        super().__init__(command, {**defaults, **settings}, directory)
        self.base_url = self.wait_for_line("OPENAI_BASE_URL=")

    @property
    def origin(self) -> str:
        """Scheme, address and port."""
        return "/".join(self.base_url.split("/")[:3])


class Simulator(Program):
    """`llm2api-sim`, the scripted upstream, and the requests that steer it."""

    def __init__(self, directory: Path, *arguments: str) -> None:
        command = [built("LLM2API_SIM"), "--exit-with-stdin", *arguments]
        super().__init__(command, {}, directory)
        self.url = self.wait_for_line("LISTENING ")

    def _ask_to_end(self) -> None:
        self.process.stdin.close()

    def snapshot(self) -> dict[str, Any]:
        """What it received so far and what is under way."""
        return self._steer("GET", "log")

    def script(self, *steps: Any, path: str | None = None) -> None:
        """Queues what it does with the next chat, or with the next request under `path`."""
        query = {} if path is None else {"path": path}
        self._steer("POST", "script", json={"steps": list(steps)}, params=query)

    def reset(self) -> None:
        """Goes back to the beginning: options, memory and log, but for what is under way."""
        self._steer("POST", "reset")

    def options(self, **changes: Any) -> None:
        self._steer("POST", "options", json=changes)

    def add_sessions(self, sessions: dict[str, str]) -> None:
        """Logs users in: the value of each session's cookie, and whose it is."""
        entries = [{"value": value, "user": user} for value, user in sessions.items()]
        self._steer("POST", "sessions", json=entries)

    def mark(self, value: str, mark: str | None) -> None:
        """Lets a session or key be `revoked` or `banned`, or (None) live again."""
        self._steer("POST", "mark", json={"value": value, "mark": mark})

    def incident(self, status: int | None, retry_after: int | None = None) -> None:
        """Refuses every chat with an empty answer of this status from now on, or (None) none."""
        incident = {"status": status, "retry_after": retry_after}
        self._steer("POST", "incident", data=json.dumps(incident if status else None))

    def tallies(self) -> dict[str, dict[str, int]]:
        """What each session or key did: requests, chats, checks, sending, most_sending."""
        return self._steer("GET", "tallies")

    def reset_tallies(self) -> None:
        self._steer("POST", "tallies/reset")

    def wait_for(self, what: Callable[[dict[str, Any]], bool], within: float = 5.0) -> dict[str, Any]:
        """Returns the first snapshot of which `what` is true."""
        deadline = time.monotonic() + within
        while True:
            snapshot = self.snapshot()
            if what(snapshot):
                return snapshot
            if time.monotonic() > deadline:
                raise AssertionError(f"waited {within} s in vain; the simulator says: {snapshot}")
            time.sleep(POLL)

    def _steer(self, method: str, path: str, **arguments: Any) -> Any:
        answer = requests.request(method, f"{self.url}/__sim/{path}", timeout=10, **arguments)
        assert answer.status_code == 200, answer.text
        return answer.json()


@dataclass(frozen=True)
class Upstream:
    """A kind of upstream, and how both programs are set up for it."""

    name: str
    model: str
    settings: dict[str, str] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    path: str = ""

    def __str__(self) -> str:
        return self.name

    @property
    def is_chat_ui(self) -> bool:
        return self.settings.get("UPSTREAM_KIND") == "chat-ui"

    def settings_for(self, simulator: Simulator) -> dict[str, str]:
        return {**self.settings, "UPSTREAM_URL": simulator.url + self.path}


LLAMA = "meta-llama/Meta-Llama-3.1-70B-Instruct"
ACCOUNT = ("--login", "--session", "cookie-of-ann=ann")
CHAT_UI = {"UPSTREAM_KIND": "chat-ui", "COOKIES": "hf-chat=cookie-of-ann"}
KEY = "sk-upstream"

ACCOUNTS = (*ACCOUNT, "--session", "cookie-of-bob=bob", "--session", "cookie-of-cid=cid")

# Four sessions of three users, none of them known to the server yet.
EMPTY_POOL = Upstream(
    "chat-ui-accounts",
    LLAMA,
    {"UPSTREAM_KIND": "chat-ui"},
    ("--family", "v2", *ACCOUNTS, "--session", "second-cookie-of-ann=ann"),
)
CHAT_UI_V2 = Upstream("chat-ui-v2", LLAMA, CHAT_UI, ("--family", "v2", *ACCOUNT))
CHAT_UI_2024 = Upstream("chat-ui-2024", LLAMA, CHAT_UI, ("--family", "2024", *ACCOUNT))
OPENAI = Upstream(
    "openai", LLAMA, {"UPSTREAM_KIND": "openai", "COOKIES": KEY}, ("--api-key", KEY), "/v1"
)
OPEN_WEBUI = Upstream(
    "open-webui",
    LLAMA,
    {"UPSTREAM_KIND": "open-webui", "COOKIES": KEY},
    ("--face", "open-webui", "--api-key", KEY),
)
DEMO = Upstream("demo", "demo")

SIMULATED = (CHAT_UI_V2, CHAT_UI_2024, OPENAI, OPEN_WEBUI)
ALL = (*SIMULATED, DEMO)


@dataclass
class Stage:
    """A server in front of an upstream."""

    upstream: Upstream
    server: Server
    simulator: Simulator | None

    @property
    def base_url(self) -> str:
        return self.server.base_url

    @property
    def model(self) -> str:
        return self.upstream.model

    @property
    def chat_url(self) -> str:
        return f"{self.base_url}/chat/completions"
