"""What type checkers and the stub say of the package is true, and strict."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import llm2api

HERE = Path(__file__).parent
SOURCES = HERE.parents[1] / "llm2api-py" / "python" / "llm2api"
SAMPLES = HERE / "typing_samples.py"
OLDEST = "3.10"
STRICT = {
    "typeCheckingMode": "strict",
    "pythonVersion": OLDEST,
    "reportUnnecessaryTypeIgnoreComment": True,
    # Those are mypy's.
    "enableTypeIgnoreComments": False,
    # What begins with `_` is private to the package, not to a module or a class of it.
    "reportPrivateUsage": False,
    # The compiled half has no source in Python.
    "reportMissingModuleSource": False,
}


def checked(*command: str, directory: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=directory,
        env={"PATH": os.environ["PATH"], "HOME": str(directory)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr


# The types of `openai` take mypy half a minute; pyright looks at them.
MYPY = f"""
[mypy]
strict = True
python_version = {OLDEST}
[mypy-openai.*]
follow_imports = skip
"""


def mypy(directory: Path, *arguments: str) -> None:
    (directory / "mypy.ini").write_text(MYPY, encoding="utf-8")
    checked("mypy", *arguments, directory=directory)


def test_the_package_is_strictly_typed_for_mypy(tmp_path):
    mypy(tmp_path, "-p", "llm2api")


def test_calls_have_the_types_that_are_promised_by_mypy(tmp_path):
    mypy(tmp_path, str(SAMPLES))


@pytest.mark.parametrize("path", [SOURCES, SAMPLES], ids=["package", "samples"])
def test_the_same_by_pyright(tmp_path, path):
    settings = {**STRICT, "include": [os.path.relpath(path, tmp_path)], "exclude": []}
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings), encoding="utf-8")
    checked("pyright", "--pythonpath", sys.executable, directory=tmp_path)


def test_the_stub_is_what_the_compiled_half_is(tmp_path):
    known = tmp_path / "known.txt"
    # Of several words mypy makes a union of one each, which `Literal` is not where it runs.
    known.write_text("llm2api._settings.UpstreamKind\n", encoding="utf-8")
    checked("mypy.stubtest", "llm2api", "--allowlist", str(known), directory=tmp_path)


def test_the_samples_name_every_method_and_every_overload():
    text = SAMPLES.read_text(encoding="utf-8")
    public = [name for name in vars(llm2api.Client) if name[0] != "_"]
    public += [name for name in vars(llm2api.ChatCompletion) if name[0] != "_"]
    assert {"chat", "models", "pool", "add", "remove", "check"} <= set(public)
    named = {"close", "id", "object", "created", "model", "ignored_parameters", "request_id"}
    assert [name for name in set(public) - named if f".{name}" not in text] == []
    for stream in ("False", "True", "stream", "None", "maybe"):
        assert text.count(f"stream={stream})") >= 2, stream
