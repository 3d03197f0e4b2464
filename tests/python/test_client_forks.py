"""A client that was made before a fork serves every process."""

import asyncio
import multiprocessing
import os
import signal
import sys
import traceback
from typing import Callable

import pytest

import llm2api

from in_process import LONG, begun, is_free, released, text_of
from programs import CHAT_UI_V2, OPENAI

DEADLINE = 20
WORKERS, CALLS = 4, 5
# Of Python 3.12 on; here nothing that runs is needed by the child, which is the point.
pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


def in_child(work: Callable[[], object]) -> int:
    """Forks a child that does some work and is gone; returns its process id.

    A child that fails says why and ends with 1; one that hangs is ended by its alarm.
    """
    child = os.fork()
    if child:
        return child
    signal.alarm(DEADLINE)
    code = 1
    try:
        work()
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def well(child: int) -> None:
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0


def ask(client, model: str, text: str = "ECHO:yes") -> None:
    assert client.chat(text, model=model).text == "yes"


@pytest.mark.parametrize("used", [False, True], ids=["unused", "used"])
def test_a_child_uses_the_parents_client(over, used):
    scene = over(CHAT_UI_V2)
    client = scene.client()
    if used:
        ask(client, scene.model)

    def work() -> None:
        ask(client, scene.model)
        assert text_of(client.chat("ECHO:a b", model=scene.model, stream=True)) == "a b"
        assert client.pool()[0].in_flight == 0
        client.close()

    well(in_child(work))
    ask(client, scene.model)
    assert client.pool()[0].in_flight == 0


def test_a_child_of_a_child_does_too(over):
    scene = over(OPENAI)
    client = scene.client()
    ask(client, scene.model)

    def work() -> None:
        ask(client, scene.model)
        well(in_child(lambda: ask(client, scene.model)))
        ask(client, scene.model)

    well(in_child(work))


def test_a_fork_amid_calls_of_other_threads_harms_neither(over):
    scene = over(OPENAI)
    client = scene.client(max_concurrency_per_credential=100)
    streams = [client.chat("SLOW", model=scene.model, stream=True) for _ in range(8)]
    children = [in_child(lambda: ask(client, scene.model)) for _ in range(4)]
    for stream in streams:
        assert [chunk.finish_reason for chunk in stream][-1] == "stop"
    for child in children:
        well(child)


def test_the_parents_stream_is_closed_to_the_child_and_goes_on(over):
    scene = over(CHAT_UI_V2)
    client = scene.client()
    stream = begun(client, scene.model)

    def work() -> None:
        with pytest.raises(llm2api.ClosedError, match="another process"):
            while True:
                next(stream)

    well(in_child(work))
    assert next(stream).text, "the child has left it alone"
    well(in_child(stream.close))
    well(in_child(client.close))
    assert next(stream).text
    assert scene.simulator.snapshot()["stop_calls"] == []
    stream.close()
    released(scene.simulator)


def test_a_child_that_ends_in_order_cleans_up_its_own_alone(over, script):
    scene = over(CHAT_UI_V2)
    text = f"""
client = llm2api.Client(**keywords)
def begin():
    stream = client.chat({LONG!r}, model="{scene.model}", stream=True)
    while not next(stream).text:
        pass
    return stream
stream = begin()
child = os.fork()
if not child:
    mine = begin()
    print("CHILD", mine.request_id)
    sys.exit(0)
print("ENDED", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
print("STILL", next(stream).text)
sys.stdin.read()
"""
    program = script(scene, text)
    assert program.wait_for_line("ENDED") == "0", program.log()
    program.wait_for_line("STILL")
    one_left = scene.simulator.wait_for(lambda log: len(log["deleted"]) == 1)
    assert len(one_left["stop_calls"]) == len(one_left["running"]) == 1
    program.process.stdin.close()
    assert program.ends(DEADLINE) == 0
    released(scene.simulator, stops=2)


def serve(client, model: str, answers) -> None:
    answers.put([client.chat(f"ECHO:{os.getpid()} {n}", model=model).text for n in range(CALLS)])


def test_workers_forked_off_beforehand_all_serve(over):
    """As gunicorn does it: the application with its client is made and used before the fork."""
    scene = over(OPENAI)
    client = scene.client(max_concurrency_per_credential=100)
    ask(client, scene.model)
    context = multiprocessing.get_context("fork")
    answers = context.SimpleQueue()
    workers = [
        context.Process(target=serve, args=(client, scene.model, answers)) for _ in range(WORKERS)
    ]
    for worker in workers:
        worker.start()
    told = [answers.get() for _ in workers]
    for worker in workers:
        worker.join(DEADLINE)
        assert worker.exitcode == 0
    wanted = [[f"{worker.pid} {n}" for n in range(CALLS)] for worker in workers]
    assert sorted(told) == sorted(wanted)
    scene.simulator.wait_for(is_free)


def test_a_pool_of_processes_gets_a_client_each(over):
    scene = over(OPENAI)
    for method in ("fork", "spawn"):
        with multiprocessing.get_context(method).Pool(2) as pool:
            work = [(scene.keywords(), scene.model, number) for number in range(6)]
            assert pool.starmap(ask_with_own, work) == [str(number) for number in range(6)]


def ask_with_own(keywords: dict, model: str, number: int) -> str:
    with llm2api.Client(**keywords) as client:
        return client.chat(f"ECHO:{number}", model=model).text


def test_a_file_of_accounts_has_one_process_at_a_time(over, tmp_path):
    scene = over(CHAT_UI_V2)
    client = scene.client(store=f"sqlite:{tmp_path / 'accounts.db'}", data_dir=str(tmp_path))
    ask(client, scene.model)

    def work() -> None:
        with pytest.raises(llm2api.LLM2APIError) as caught:
            ask(client, scene.model)
        assert "accounts.db" in str(caught.value), caught.value

    well(in_child(work))
    ask(client, scene.model)
    client.close()


def test_a_store_that_was_closed_is_free_though_a_child_lives(over, tmp_path):
    scene = over(CHAT_UI_V2)
    settings = {"store": f"sqlite:{tmp_path / 'accounts.db'}", "data_dir": str(tmp_path)}
    client = scene.client(**settings)
    ask(client, scene.model)
    waits, ends = os.pipe()
    child = in_child(lambda: os.read(waits, 1))
    client.close()
    ask(scene.client(**settings), scene.model)
    os.write(ends, b".")
    well(child)


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_child_of_multiprocessing_cleans_up_at_its_end(over, method):
    scene = over(CHAT_UI_V2)
    context = multiprocessing.get_context(method)
    child = context.Process(target=leave_open, args=(scene.keywords(), scene.model))
    child.start()
    child.join(DEADLINE)
    assert child.exitcode == 0
    released(scene.simulator)


KEPT: list = []


def leave_open(keywords: dict, model: str) -> None:
    """Ends amid an answer that is held to the very end."""
    KEPT.append(begun(llm2api.Client(**keywords), model))


def test_an_async_client_serves_the_loop_of_a_child(over):
    scene = over(OPENAI)
    client = scene.async_client()

    async def run() -> str:
        return (await client.chat("ECHO:yes", model=scene.model)).text

    assert asyncio.run(run()) == "yes"

    def work() -> None:
        assert asyncio.run(run()) == "yes"

    well(in_child(work))
    assert asyncio.run(run()) == "yes"
    asyncio.run(client.close())
