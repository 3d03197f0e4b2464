"""Whatever ends an answer frees the upstream within a second, and stops its run exactly once."""

import asyncio
import gc
import weakref

import pytest

import llm2api

from in_process import LONG, RELEASED_WITHIN, begun, is_free, released
from programs import CHAT_UI_2024, CHAT_UI_V2, OPEN_WEBUI, OPENAI

OTHERS = pytest.mark.parametrize("upstream", [CHAT_UI_2024, OPENAI, OPEN_WEBUI], ids=str)
# Long after every deadline of these tests.
NEVER_MS = 60_000


def close(stream) -> None:
    stream.close()


def leave_with(stream) -> None:
    with stream:
        pass


def fail_in_the_loop(stream) -> None:
    with pytest.raises(ZeroDivisionError), stream:
        for _ in stream:
            1 / 0


LEAVINGS = pytest.mark.parametrize("leave", [close, leave_with, fail_in_the_loop])


@LEAVINGS
def test_leaving_a_stream_frees_the_upstream(over_by_door, leave):
    scene = over_by_door(CHAT_UI_V2)
    stream = begun(scene.client(), scene.model)
    assert len(scene.simulator.snapshot()["running"]) == 1
    leave(stream)
    released(scene.simulator)
    assert list(stream) == []


@OTHERS
@LEAVINGS
def test_leaving_a_stream_ends_the_request(over_by_door, upstream, leave):
    scene = over_by_door(upstream)
    leave(begun(scene.client(), scene.model))
    scene.simulator.wait_for(lambda log: log["aborted_streams"] == 1, within=RELEASED_WITHIN)


def test_a_stream_that_is_lost_frees_the_upstream(over_by_door):
    scene = over_by_door(CHAT_UI_V2)
    client = scene.client()

    def look_and_go() -> None:
        for _ in begun(client, scene.model):
            break

    look_and_go()
    released(scene.simulator)


def test_a_stream_in_a_circle_frees_the_upstream_when_it_is_collected(over):
    scene = over(CHAT_UI_V2)

    class Holder:
        pass

    holder = Holder()
    holder.stream, holder.itself = begun(scene.client(), scene.model), holder
    gone = weakref.ref(holder)
    gc.disable()
    try:
        del holder
        assert gone() is not None and not is_free(scene.simulator.snapshot())
    finally:
        gc.enable()
    gc.collect()
    assert gone() is None
    released(scene.simulator)


def test_a_client_that_is_lost_frees_the_upstream_with_its_last_stream(over):
    scene = over(CHAT_UI_V2)
    stream = begun(llm2api.Client(**scene.keywords()), scene.model)
    assert next(stream).text, "a stream outlives the name of its client"
    del stream
    released(scene.simulator)


def test_a_stream_that_nobody_read_frees_the_upstream(over_by_door):
    scene = over_by_door(CHAT_UI_V2)
    stream = scene.client().chat(LONG, model=scene.model, stream=True)
    stream.close()
    released(scene.simulator)


def test_closing_the_client_ends_all_that_runs(over_by_door):
    scene = over_by_door(CHAT_UI_V2)
    client = scene.client()
    streams = [begun(client, scene.model) for _ in range(3)]
    others = client.with_options(timeout=60)
    client.close()
    snapshot = released(scene.simulator, stops=3)
    assert snapshot["conversations"] == []
    for stream in streams:
        with pytest.raises(llm2api.ClosedError):
            while True:
                next(stream)
    with pytest.raises(llm2api.ClosedError):
        others.chat("Hello", model=scene.model)


def test_a_whole_stream_is_not_stopped(over_by_door):
    scene = over_by_door(CHAT_UI_V2)
    assert list(scene.client().chat("Hello", model=scene.model, stream=True))
    snapshot = scene.simulator.wait_for(lambda log: log["deleted"])
    assert (snapshot["stop_calls"], snapshot["running"]) == ([], [])


# ---- Tasks that are cancelled


def run_and_cancel(scene, work, sign) -> None:
    """Runs work with a client, and cancels it when the simulator shows the sign."""

    async def run() -> None:
        async with scene.async_client() as client:
            task = asyncio.create_task(work(client))
            await asyncio.to_thread(scene.simulator.wait_for, sign)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await asyncio.to_thread(released, scene.simulator)

    asyncio.run(run())


def is_running(log) -> bool:
    return len(log["running"]) == 1


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_task_cancelled_before_the_first_content_frees_the_upstream(over, stream):
    scene = over(CHAT_UI_V2)
    scene.simulator.options(token_delay=NEVER_MS)

    async def ask(client) -> None:
        await client.chat("Hello", model=scene.model, stream=stream)

    run_and_cancel(scene, ask, is_running)


def test_a_task_cancelled_while_it_streams_frees_the_upstream(over):
    scene = over(CHAT_UI_V2)
    heard = []

    async def stream(client) -> None:
        async for chunk in await client.chat(LONG, model=scene.model, stream=True):
            heard.append(chunk)

    run_and_cancel(scene, stream, lambda _: any(chunk.text for chunk in heard))


def test_a_stream_whose_reading_was_cancelled_is_over(over):
    scene = over(CHAT_UI_V2)

    async def run() -> None:
        async with scene.async_client() as client:
            stream = await client.chat(LONG, model=scene.model, stream=True)
            while not (await anext(stream)).text:
                pass
            with pytest.raises(asyncio.TimeoutError):
                while True:  # The next piece takes longer.
                    await asyncio.wait_for(anext(stream), 0.05)
            assert [chunk async for chunk in stream] == []
            await asyncio.to_thread(released, scene.simulator)

    asyncio.run(run())


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_wait_for_frees_the_upstream(over, stream):
    scene = over(CHAT_UI_V2)
    scene.simulator.options(token_delay=NEVER_MS)

    async def run() -> None:
        async with scene.async_client() as client:
            call = client.chat("Hello", model=scene.model, stream=stream)
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(call, 0.5)
            await asyncio.to_thread(released, scene.simulator)

    asyncio.run(run())


def test_one_task_cancelled_leaves_the_others_alone(over):
    scene = over(CHAT_UI_V2)

    async def run() -> None:
        async with scene.async_client() as client:
            calls = [client.chat(LONG, model=scene.model), client.chat("SLOW", model=scene.model)]
            cancelled, kept = map(asyncio.create_task, calls)
            both = lambda log: len(log["running"]) == 2
            await asyncio.to_thread(scene.simulator.wait_for, both)
            cancelled.cancel()
            assert (await kept).finish_reason == "stop"
            assert cancelled.cancelled()
            await asyncio.to_thread(released, scene.simulator, 1)

    asyncio.run(run())


def test_closing_an_async_stream_from_elsewhere_ends_who_waits(over):
    scene = over(CHAT_UI_V2)

    async def run() -> None:
        async with scene.async_client() as client:
            stream = await client.chat(LONG, model=scene.model, stream=True)

            async def read() -> int:
                return len([chunk async for chunk in stream])

            reader = asyncio.create_task(read())
            await asyncio.to_thread(scene.simulator.wait_for, is_running)
            await stream.aclose()
            assert await asyncio.wait_for(reader, RELEASED_WITHIN) >= 0
            await asyncio.to_thread(released, scene.simulator)

    asyncio.run(run())


def test_a_loop_that_ends_without_closing_frees_the_upstream(over):
    scene = over(CHAT_UI_V2)

    async def leave() -> None:
        client = scene.async_client()
        async for chunk in await client.chat(LONG, model=scene.model, stream=True):
            if chunk.text:
                return

    asyncio.run(leave())
    released(scene.simulator)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "pieces"])
def test_a_loop_that_is_closed_amid_a_call_frees_the_upstream(over, stream):
    scene = over(CHAT_UI_V2)
    loop, client = asyncio.new_event_loop(), scene.async_client()
    scene.simulator.options(token_delay=60_000)
    task = loop.create_task(client.chat(LONG, model=scene.model, stream=stream))
    begun_there = asyncio.to_thread(scene.simulator.wait_for, is_running)
    loop.run_until_complete(begun_there)
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()
    del task, loop, begun_there
    gc.collect()
    released(scene.simulator)
