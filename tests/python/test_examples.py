"""The programs in `examples/python` and on the package's page do what they say."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from programs import DEMO, EMPTY_POOL, LLAMA, OPENAI

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples" / "python"
PAGE = (ROOT / "llm2api-py" / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
ADDRESS, MODEL = "http://127.0.0.1:8080/v1", "llama-3.1"


def run(directory: Path, *command: str, **environment: str) -> list[str]:
    """Runs a Python program and returns the lines that it has printed."""
    done = subprocess.run(
        [sys.executable, *command],
        cwd=directory,
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def example(directory: Path, name: str, scene=None, *arguments: str, **environment: str) -> list[str]:
    settings = scene.upstream.settings_for(scene.simulator) if scene else {}
    return run(directory, str(EXAMPLES / name), *arguments, **settings, **environment)


def test_an_answer_is_printed_while_it_comes(over, tmp_path):
    assert example(tmp_path, "stream_to_terminal.py", over(OPENAI), "ECHO:one two") == ["one two"]


def test_the_demo_answers_where_nothing_is_set_up(tmp_path):
    [line] = example(tmp_path, "stream_to_terminal.py")
    assert line.endswith("You said: Hello")


def test_many_questions_are_asked_at_once(over, tmp_path):
    scene = over(OPENAI)
    said = "\n".join(example(tmp_path, "ask_many_at_once.py", scene))
    at = [said.index(f"What is {number} squared? -> Hello") for number in range(20)]
    assert at == sorted(at)
    assert len(scene.sent()) == 20


def test_a_program_of_the_openai_package_moves_over(over, tmp_path):
    scene = over(OPENAI)
    scene.simulator.script({"answer": "Hi."})
    scene.simulator.script({"answer": "Hi again."})
    assert example(tmp_path, "move_over_from_openai.py", scene) == ["Hi.", "Hi again."]


def test_accounts_are_looked_after(over, tmp_path):
    scene, another = over(EMPTY_POOL), "hf-chat=cookie-of-bob"
    cookies = {"COOKIES": "hf-chat=cookie-of-ann", "ANOTHER_COOKIE": another}
    lines = example(tmp_path, "look_after_accounts.py", scene, **cookies)
    assert lines[0] == "added Ann for chat-ui"
    assert [line.split()[1:3] for line in lines[1:3]] == [["is", "valid"]] * 2
    assert [line.split()[1:3] for line in lines[3:]] == [["active", "0/4"]] * 2


def test_a_tool_is_called(over, tmp_path):
    scene = over(OPENAI)
    function = {"name": "weather", "arguments": '{"city": "Oslo"}'}
    call = {"id": "call_1", "type": "function", "function": function}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
    head = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": LLAMA}
    scene.simulator.script({"json": {"status": 200, "body": {**head, "choices": [choice]}}})
    scene.simulator.script({"answer": "Take an umbrella."})
    assert example(tmp_path, "call_tools.py", scene) == ["Take an umbrella."]
    result = scene.sent()[1]["messages"][-1]
    assert result == {"role": "tool", "tool_call_id": "call_1", "content": "It rains in Oslo."}


def test_errors_are_told_apart(over, tmp_path):
    [line] = example(tmp_path, "handle_errors.py", over(OPENAI))
    assert line.startswith("404 model_not_found ")
    limited = over(OPENAI)
    limited.simulator.incident(429, retry_after=7)
    assert example(tmp_path, "handle_errors.py", limited) == ["come back in 7.0 s"]


def test_several_upstreams_have_one_client(tmp_path):
    names, answer = example(tmp_path, "several_upstreams.py")
    assert "'any'" in names and answer.endswith("You said: Hello")


def test_every_example_is_run_here():
    tests = Path(__file__).read_text(encoding="utf-8")
    names = [path.name for path in EXAMPLES.glob("*.py")]
    assert len(names) >= 7 and all(f'"{name}"' in tests for name in names)


ON_PAGE = [block for block in BLOCKS if ADDRESS in block and "config=" not in block]


@pytest.mark.parametrize("block", ON_PAGE, ids=["first", "moved", "async"])
def test_the_programs_on_the_package_page_run(over, tmp_path, block):
    scene = over(OPENAI)
    scene.simulator.options(api_keys=[])
    code = block.replace(ADDRESS, scene.simulator.url + OPENAI.path).replace(MODEL, LLAMA)
    assert run(tmp_path, "-c", code)
    assert scene.sent()


def test_the_table_on_the_package_page_is_in_order(tmp_path):
    [block] = [block for block in BLOCKS if "config=" in block]
    run(tmp_path, "-c", block, TEAM_COOKIE="hf-chat=x")
    assert len(ON_PAGE) + 1 == len(BLOCKS)
