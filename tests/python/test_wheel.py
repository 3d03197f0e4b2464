"""The wheel that the test command built is installed, and is what it says."""

import tomllib
from importlib.metadata import requires, version
from importlib.resources import files
from pathlib import Path

import llm2api

ROOT = Path(__file__).parents[2]


def test_the_version_is_that_of_the_workspace():
    manifest = tomllib.loads((ROOT / "Cargo.toml").read_text(encoding="utf-8"))
    wanted = manifest["workspace"]["package"]["version"]
    assert llm2api.__version__ == version("llm2api") == wanted


def test_the_package_is_typed():
    package = files("llm2api")
    assert package.joinpath("py.typed").is_file()
    assert package.joinpath("_llm2api.pyi").is_file()


def test_the_package_needs_no_other():
    assert requires("llm2api") is None
