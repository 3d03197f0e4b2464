"""The package brings the server along: `llm2api serve`, and `python -m llm2api serve`."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import requests

import llm2api

from documents import DOCX, PDF, docx, message, pdf
from programs import CHAT_UI_V2, Server, Simulator
from wire import TIMEOUT, body, complete, joined, stream

SCRIPT = [str(Path(sys.executable).parent / "llm2api")]
MODULE = [sys.executable, "-m", "llm2api"]
COMMANDS = pytest.mark.parametrize("command", [SCRIPT, MODULE], ids=["script", "module"])
FILES = pytest.mark.parametrize(
    ("kind", "make"), [(PDF, pdf), (DOCX, docx)], ids=lambda one: getattr(one, "__name__", "")
)
SAID = "What the document says."


def run(command: list[str], *arguments: str, directory: Path | None = None, **more):
    return subprocess.run(
        [*command, *arguments],
        cwd=directory,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        timeout=60,
        **more,
    )


@pytest.fixture
def serve(tmp_path):
    """Starts the package's server with a command."""
    running = []

    def start(command: list[str], **settings: str) -> Server:
        data = {"DATA_DIR": str(tmp_path / "data")}
        running.append(Server(tmp_path, command=[*command, "serve"], **data, **settings))
        return running[-1]

    yield start
    for server in running:
        server.stop()


@COMMANDS
def test_the_command_serves_and_ends_in_order(serve, command):
    server = serve(command)
    answer = requests.get(f"{server.origin}/livez", timeout=TIMEOUT)
    assert answer.status_code == 200
    url = f"{server.base_url}/chat/completions"
    said = complete(url, body("demo", "Hello"))["choices"][0]["message"]["content"]
    assert said.endswith("You said: Hello")
    assert joined(stream(url, body("demo", "Hello"))) == said
    assert server.is_running()
    server.stop()
    assert server.process.returncode == 0


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT], ids=lambda sign: sign.name)
def test_signals_of_people_and_of_systems_end_it_in_order(serve, sign):
    server = serve(MODULE)
    server.process.send_signal(sign)
    assert server.process.wait(timeout=TIMEOUT) == 0, server.log()
    assert "Traceback" not in server.log()


@COMMANDS
def test_the_command_tells_its_version(command):
    done = run(command, "--version")
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode().split() == ["llm2api", llm2api.__version__]


@COMMANDS
def test_the_command_explains_itself(command):
    done = run(command, "--help")
    assert done.returncode == 0
    text = done.stdout.decode()
    assert "Usage: llm2api" in text and "llm2api-server" not in text.split("Settings:")[0]
    for word in ("serve", "config", "UPSTREAM_URL"):
        assert word in text


@COMMANDS
def test_a_wrong_command_line_is_code_2(command, tmp_path):
    for wrong in (["--no-such-flag"], ["no-such-command"], ["serve", "--listen", "nowhere"]):
        done = run(command, *wrong, directory=tmp_path)
        assert (done.returncode, done.stdout) == (2, b""), wrong
        assert b"panicked" not in done.stderr and b"Traceback" not in done.stderr
        assert done.stderr.strip()


def test_the_commands_beside_serving_are_there(tmp_path):
    done = run(SCRIPT, "config", "print", directory=tmp_path)
    assert done.returncode == 0 and b"127.0.0.1:9999" in done.stdout


def test_a_document_is_read_by_a_process_that_bounds_itself():
    for name, make in [("pdf", pdf), ("docx", docx)]:
        command = [sys.executable, "-I", "-m", "llm2api"]
        done = run(command, "extract-document", name, input=make(SAID))
        assert (done.returncode, done.stderr) == (0, b"")
        assert done.stdout.decode().strip().endswith(SAID)
        assert run(command, "extract-document", name, input=b"junk").returncode not in (0, 2)


@FILES
def test_a_client_reads_documents_for_upstreams_that_take_text(over_by_door, kind, make):
    scene = over_by_door(CHAT_UI_V2)
    answer = scene.client().chat([message("PROMPT", kind, make(SAID))], model=scene.model)
    assert SAID in answer.text


@FILES
def test_a_server_of_the_package_reads_documents_too(tmp_path, serve, kind, make):
    simulator = Simulator(tmp_path, *CHAT_UI_V2.arguments)
    try:
        server = serve(SCRIPT, CONVERSATIONS="fresh", **CHAT_UI_V2.settings_for(simulator))
        payload = {"model": CHAT_UI_V2.model, "messages": [message("PROMPT", kind, make(SAID))]}
        answer = complete(f"{server.base_url}/chat/completions", payload)
        assert SAID in answer["choices"][0]["message"]["content"]
        server.stop()
    finally:
        simulator.stop()


def test_a_document_that_is_none_is_a_bad_request(over_by_door):
    scene = over_by_door(CHAT_UI_V2)
    with pytest.raises(llm2api.BadRequestError) as caught:
        scene.client().chat([message("PROMPT", PDF, b"%PDF-1.7 junk")], model=scene.model)
    assert caught.value.param
    assert scene.simulator.snapshot()["generations"] == 0
