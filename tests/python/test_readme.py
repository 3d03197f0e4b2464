"""What the front page shows works as it stands there."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from programs import DEMO, OPENAI, built

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
ADDRESS = "127.0.0.1:9999"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


[CURL, SEARCHING] = [block for block in blocks("sh") if block.startswith("curl")]
PROGRAMS = blocks("python")


def run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def at(stage, block: str) -> str:
    """The block for the server of this test, which listens on a port of its own."""
    return block.replace(ADDRESS, stage.server.origin.removeprefix("http://"))


def test_there_is_something_to_try():
    assert len(PROGRAMS) == 2
    assert blocks("rust")
    assert "./tests/run\n" in blocks("sh")


def test_the_curl_line_gets_an_answer(play):
    stage = play(DEMO)
    answer = run(["sh", "-ec", at(stage, CURL).replace("curl ", "curl -sSf ", 1)])
    assert "You said: Hello" in answer


def test_the_searching_curl_line_gets_a_searched_answer(play):
    searxng = play(OPENAI).simulator
    page = {"url": "https://oslo.example/", "title": "Oslo", "content": "It is large."}
    found = {"status": 200, "body": {"results": [page], "unresponsive_engines": []}}
    searxng.script({"json": found}, path="/search")
    stage = play(DEMO, SEARXNG_URL=searxng.url, SEARCH_RESULT_PAGES="1")
    answer = run(["sh", "-ec", at(stage, SEARCHING).replace("curl ", "curl -sSf ", 1)])
    assert "x-llm2api-search: completed; results=1" in answer


@pytest.mark.parametrize("block", PROGRAMS, ids=["openai", "llm2api"])
def test_the_python_program_prints_something(play, block):
    stage = play(DEMO)
    assert run([sys.executable, "-c", at(stage, block)]).strip()


def test_the_default_address_is_the_one_shown():
    shown = run([built("LLM2API_SERVER"), "config", "print"])
    assert ADDRESS in shown
    assert all(ADDRESS in block for block in [CURL, SEARCHING, PROGRAMS[0]])


def test_every_setting_shown_exists_with_that_default():
    help_text = " ".join(run([built("LLM2API_SERVER"), "--help"]).split())
    rows = re.findall(r"^\| `([A-Z_]+)` \| (.+?) \|", README, re.MULTILINE)
    assert len(rows) > 5
    for name, default in rows:
        assert f"[env: {name}" in help_text, name
        plain = re.fullmatch(r"`([^`]+)`", default)
        if plain:
            text = help_text.split(f"[env: {name}", 1)[1]
            assert f"[default: {plain[1]}]" in text.split("[env: ", 1)[0], name


def check(directory: Path, environment: dict[str, str]) -> None:
    """Lets the server look at its settings, without starting it."""
    done = subprocess.run(
        [built("LLM2API_SERVER"), "config", "check"],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "warning" not in done.stdout and "in order" in done.stdout


def test_the_settings_file_shown_is_in_order(tmp_path):
    [text] = blocks("toml")
    (tmp_path / "llm2api.toml").write_text(text, encoding="utf-8")
    check(tmp_path, {"TEAM_COOKIE": "hf-chat=x"})


@pytest.mark.parametrize("line", re.findall(r"`((?:UPSTREAM_KIND=\S+ )?UPSTREAM_URL=[^`]+)`", README))
def test_each_way_to_start_it_is_understood(tmp_path, line):
    settings = dict(re.findall(r"([A-Z_]+)='?([^' ]+)'?", line.replace("…", "x")))
    assert {"UPSTREAM_URL", "COOKIES"} <= set(settings)
    check(tmp_path, settings)
