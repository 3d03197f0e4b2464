"""Every example in the package's docstrings runs, and everything public has a docstring."""

import doctest
import importlib
import inspect
import pkgutil

import pytest

import llm2api

# Fewer would mean that some are not found any more.
LEAST = 10
# Starts a program.
PROGRAM = "llm2api.__main__"


def modules() -> list:
    names = [one.name for one in pkgutil.iter_modules(llm2api.__path__, "llm2api.")]
    return [llm2api, *(importlib.import_module(name) for name in names if name != PROGRAM)]


def documented() -> dict[str, doctest.DocTest]:
    """The docstrings that hold examples, by name; those of compiled classes too."""
    finder, found = doctest.DocTestFinder(exclude_empty=True), {}
    for module in modules():
        globals_of = {**vars(llm2api), "llm2api": llm2api}
        for test in finder.find(module, module.__name__, globs=globals_of):
            found[test.name] = test
        for name, kind in vars(module).items():
            if inspect.isclass(kind) and kind.__module__.startswith("llm2api"):
                place = f"{kind.__module__}.{name}"
                tests = finder.find(kind, place, module=False, globs=globals_of)
                found.update({test.name: test for test in tests})
    return {name: test for name, test in found.items() if test.examples}


EXAMPLES = documented()


def test_there_are_examples():
    assert sum(len(test.examples) for test in EXAMPLES.values()) >= LEAST
    assert len({test.docstring for test in EXAMPLES.values()}) >= LEAST // 2


@pytest.mark.parametrize("name", list(EXAMPLES))
def test_the_examples_run(name, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    runner, said = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS), []
    runner.run(EXAMPLES[name], out=said.append)
    assert runner.failures == 0, "".join(said)


def test_everything_public_says_what_it_does():
    silent = []
    for name in llm2api.__all__:
        value = getattr(llm2api, name)
        if not inspect.isclass(value):
            continue
        members = {f"{name}.{key}": one for key, one in vars(value).items() if key[0] != "_"}
        if "Params" in name or name == "Settings":
            members = {}
        for place, one in {name: value, **members}.items():
            if not (getattr(one, "__doc__", None) or "").strip():
                silent.append(place)
    assert silent == []
