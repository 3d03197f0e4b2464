"""Many callers at once: threads and tasks, each with its own answer, and nobody held up."""

import asyncio
import statistics
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

import llm2api

from in_process import is_free, released, text_of
from programs import CHAT_UI_V2, OPENAI

THREADS, CALLS = 16, 6
STREAMS = 200
# Nine tokens, 250 ms apart, and what two shared processors take for all of them.
SLOWEST = 15.0
# A loop that only begins calls and takes results is never away for long.
LATEST = 0.5


def echo(client, model: str, number: int, **fields):
    return client.chat(f"ECHO:number {number}, Größe 🙂", model=model, **fields)


def test_threads_share_a_client(over):
    scene = over(OPENAI)
    client = scene.client(max_concurrency_per_credential=THREADS)

    def work(thread: int) -> list[str]:
        said = []
        for number in range(thread * CALLS, (thread + 1) * CALLS):
            if number % 2:
                said.append(text_of(echo(client, scene.model, number, stream=True)))
            else:
                said.append(echo(client, scene.model, number).text)
        return said

    with ThreadPoolExecutor(THREADS) as threads:
        told = [text for texts in threads.map(work, range(THREADS)) for text in texts]
    assert told == [f"number {number}, Größe 🙂" for number in range(THREADS * CALLS)]
    assert [account.in_flight for account in client.pool()] == [0]
    assert [account.requests for account in client.pool()] == [THREADS * CALLS]


def test_threads_may_read_one_stream_in_turns(over):
    scene = over(OPENAI)
    stream = scene.client().chat("LONGRUN", model=scene.model, stream=True)
    lock, chunks = threading.Lock(), []

    def read() -> None:
        while True:
            with lock:
                chunk = next(stream, None)
                if chunk is None:
                    return
                chunks.append(chunk)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert text_of(chunks).startswith("Hello from the mock model.")
    assert chunks[-1].finish_reason == "stop"


def test_threads_that_read_one_stream_lose_no_chunk(over):
    scene = over(OPENAI)
    words = [f"{number} " for number in range(2000)]
    events = [{"event": {"choices": [{"index": 0, "delta": {"content": word}}]}} for word in words]
    finish = {"event": {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}}
    scene.simulator.script(*events, finish, "done")
    stream = scene.client().chat("Hello", model=scene.model, stream=True)
    with ThreadPoolExecutor(4) as threads:
        readers = [threads.submit(lambda: [chunk.text for chunk in stream]) for _ in range(4)]
        read = [text for reader in readers for text in reader.result(timeout=20)]
    assert sorted(read) == sorted([*words, ""])


def test_all_who_read_one_stream_learn_its_end(over):
    scene = over(OPENAI)

    async def run() -> None:
        async with scene.async_client() as client:
            stream = await client.chat("SLOW", model=scene.model, stream=True)

            async def read() -> int:
                return len([chunk async for chunk in stream])

            counts = await asyncio.wait_for(asyncio.gather(read(), read(), read()), 20)
            assert sum(counts) > 0

    asyncio.run(run())


def test_a_stream_may_be_closed_by_another_thread(over):
    scene = over(CHAT_UI_V2)
    stream = scene.client().chat("SLOW LONGRUN", model=scene.model, stream=True)
    begun, read = threading.Event(), []

    def reading() -> None:
        for chunk in stream:
            read.append(chunk)
            begun.set()

    reader = threading.Thread(target=reading)
    reader.start()
    assert begun.wait(10)
    stream.close()
    reader.join(1.0)
    assert not reader.is_alive()
    scene.simulator.wait_for(is_free, within=1.0)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_closing_a_client_ends_what_other_threads_wait_for(over, stream):
    scene = over(CHAT_UI_V2)
    client = scene.client(max_concurrency_per_credential=THREADS)
    ended = []

    def wait() -> None:
        try:
            answer = client.chat("SLOW LONGRUN", model=scene.model, stream=stream)
            ended.append(text_of(answer))
        except llm2api.ClosedError:
            ended.append(None)

    waiting = [threading.Thread(target=wait) for _ in range(8)]
    for thread in waiting:
        thread.start()
    scene.simulator.wait_for(lambda log: len(log["running"]) == len(waiting))
    client.close()
    for thread in waiting:
        thread.join(1.0)
    assert ended == [None] * len(waiting)
    released(scene.simulator, stops=len(waiting))


def test_the_interpreter_is_free_while_a_call_waits(over):
    scene = over(OPENAI)
    client = scene.client()
    running, counted = threading.Event(), [0]

    def count() -> None:
        while not running.is_set():
            counted[0] += 1

    def rate(work) -> float:
        before, begun = counted[0], time.perf_counter()
        work()
        return (counted[0] - before) / (time.perf_counter() - begun)

    counter = threading.Thread(target=count)
    counter.start()
    try:
        alone = rate(lambda: running.wait(1.0))
        beside = rate(lambda: client.chat("SLOW", model=scene.model))
        amid = rate(lambda: list(client.chat("SLOW", model=scene.model, stream=True)))
    finally:
        running.set()
        counter.join()
    # With the lock held it would be nothing at all.
    assert beside > alone / 4 and amid > alone / 4, (alone, beside, amid)


async def ticks(delays: list[float]) -> None:
    """Notes how late a loop comes back to somebody who asks for every 10 ms."""
    while True:
        due = time.perf_counter() + 0.01
        await asyncio.sleep(0.01)
        delays.append(time.perf_counter() - due)


@pytest.mark.parametrize("upstream", [OPENAI, CHAT_UI_V2], ids=str)
def test_two_hundred_streams_on_one_loop_are_all_right(over, upstream):
    scene = over(upstream)
    delays: list[float] = []

    async def one(client, number: int) -> float:
        begun = time.perf_counter()
        said = f"a b c d e f g {number}"
        stream = await client.chat(f"SLOW\nECHO:{said}", model=scene.model, stream=True)
        assert "".join([chunk.text async for chunk in stream]) == said
        return time.perf_counter() - begun

    async def all_of_them() -> list[float]:
        async with scene.async_client(max_concurrency_per_credential=STREAMS) as client:
            await client.models()
            ticker = asyncio.create_task(ticks(delays))
            took = await asyncio.gather(*(one(client, number) for number in range(STREAMS)))
            ticker.cancel()
            assert [account.in_flight for account in await client.pool()] == [0]
            return took

    took = asyncio.run(all_of_them())
    print(f"slowest {max(took):.2f} s, median {statistics.median(took):.2f} s", end=", ")
    print(f"worst delay of the loop {max(delays) * 1000:.0f} ms")
    assert max(took) < SLOWEST
    assert max(delays) < LATEST
    scene.simulator.wait_for(is_free)
    most = scene.simulator.snapshot()["max_concurrent_per_credential"]
    assert max(most.values()) > STREAMS // 2, "they ran at the same time"


def test_whole_answers_on_one_loop_are_all_right(over):
    scene = over(OPENAI)

    async def all_of_them() -> list[str]:
        async with scene.async_client(max_concurrency_per_credential=STREAMS) as client:
            calls = [echo(client, scene.model, number) for number in range(STREAMS)]
            return [answer.text for answer in await asyncio.gather(*calls)]

    assert asyncio.run(all_of_them()) == [f"number {n}, Größe 🙂" for n in range(STREAMS)]


def test_loops_of_several_threads_share_a_client(over):
    scene = over(OPENAI)
    client = scene.async_client(max_concurrency_per_credential=THREADS * CALLS)

    def work(thread: int) -> list[str]:
        async def all_of_them() -> list[str]:
            numbers = range(thread * CALLS, (thread + 1) * CALLS)
            calls = [echo(client, scene.model, number) for number in numbers]
            return [answer.text for answer in await asyncio.gather(*calls)]

        return asyncio.run(all_of_them())

    with ThreadPoolExecutor(THREADS) as threads:
        told = [text for texts in threads.map(work, range(THREADS)) for text in texts]
    assert told == [f"number {number}, Größe 🙂" for number in range(THREADS * CALLS)]
    asyncio.run(client.close())


def test_a_full_pool_makes_callers_wait_their_turn(over):
    scene = over(OPENAI)
    client = scene.client(max_concurrency_per_credential=2)
    with ThreadPoolExecutor(THREADS) as threads:
        told = list(threads.map(lambda number: echo(client, scene.model, number).text, range(20)))
    assert told == [f"number {number}, Größe 🙂" for number in range(20)]
    most = scene.simulator.snapshot()["max_concurrent_per_credential"]
    assert max(most.values()) <= 2
