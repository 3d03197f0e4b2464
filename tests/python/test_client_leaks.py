"""Ten thousand short streams leave nothing behind: no memory, no descriptors, no threads."""

import asyncio
import gc
import os
import threading

from in_process import is_free
from programs import OPENAI
from test_many_cookies import resident_kib

STREAMS = 10_000
AT_ONCE = 50
# The allocator's arenas, the connections and the caches of the interpreter have settled by then.
WARM_UP = 2_000
# A stream that left one object of its own would leave some 200 bytes; ten thousand of them are
# 2 MB. What is allowed is far below what a leaked answer, task or connection takes (some KiB each),
# and far above what an allocator wanders.
GROWTH_KIB = 4 * 1024


def figures() -> tuple[int, int]:
    """The process's descriptors and threads, those of other languages too."""
    return len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task"))


async def crowd(client, model: str, streams: int) -> None:
    """Reads so many streams, some of them to the end only nearly."""
    left = iter(range(streams))

    async def reader() -> None:
        for number in left:
            text = ""
            async for chunk in await client.chat("ECHO:one two", model=model, stream=True):
                text += chunk.text
                if number % 10 == 0 and text:
                    break
            assert text.startswith("one")

    await asyncio.gather(*(reader() for _ in range(AT_ONCE)))


def test_ten_thousand_streams_leave_nothing_behind(over):
    scene = over(OPENAI)

    async def run() -> None:
        async with scene.async_client(max_concurrency_per_credential=AT_ONCE * 2) as client:
            await crowd(client, scene.model, WARM_UP)
            gc.collect()
            memory, before = resident_kib(os.getpid()), figures()
            await crowd(client, scene.model, STREAMS)
            gc.collect()
            growth = resident_kib(os.getpid()) - memory
            print(f"growth {growth} KiB, descriptors and threads {before} {figures()}")
            assert growth < GROWTH_KIB
            assert figures()[1] == before[1]
            assert figures()[0] <= before[0] + 2 * AT_ONCE, "connections are kept, not gathered"
            assert [account.in_flight for account in await client.pool()] == [0]

    outside = figures()
    asyncio.run(run())
    scene.simulator.wait_for(is_free)
    assert threading.active_count() < 4
    assert figures()[0] <= outside[0] + 8
