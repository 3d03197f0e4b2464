"""However a program ends, in order or by Ctrl-C, the upstream is free soon after."""

import signal
import time

import pytest

from in_process import RELEASED_WITHIN, LONG, is_free, released
from programs import CHAT_UI_V2, DEMO, OPENAI

NEVER_MS = 60_000
INTERRUPTED_WITHIN = 0.5
# What Python's own start and end may take on a busy machine.
ENDS_WITHIN = 20.0

BEGUN = f"""
client = llm2api.Client(**keywords)
stream = client.chat({LONG!r}, model="{CHAT_UI_V2.model}", stream=True)
for chunk in stream:
    if chunk.text:
        break
print("BEGUN", chunk.text)
"""
ASYNC_BEGUN = f"""
import asyncio
async def main():
    global client, stream
    client = llm2api.AsyncClient(**keywords)
    stream = await client.chat({LONG!r}, model="{CHAT_UI_V2.model}", stream=True)
    async for chunk in stream:
        if chunk.text:
            break
    print("BEGUN", chunk.text)
asyncio.run(main())
"""
# What each way of waiting is, after which the program tells when it knew of the signal: by the
# clock that all processes share.
WAITING = {
    "whole": """client.chat("Hello", model=model)""",
    "before the first piece": """client.chat("Hello", model=model, stream=True)""",
    "between pieces": """
    for chunk in client.chat("LONGRUN", model=model, stream=True):
        pass""",
    "models": """client.models()""",
    "whole, async": """asyncio.run(whole())""",
    "between pieces, async": """asyncio.run(pieces())""",
}
INTERRUPTED = """
import asyncio, time
client, model = llm2api.Client(**keywords), "{model}"
async def whole():
    await llm2api.AsyncClient(**keywords).chat("Hello", model=model)
async def pieces():
    async_client = llm2api.AsyncClient(**keywords)
    async for chunk in await async_client.chat("LONGRUN", model=model, stream=True):
        pass
try:
    {work}
except KeyboardInterrupt:
    print("INTERRUPTED", time.monotonic())
print("FREE", sys.stdin.read())
"""


ENDINGS = {
    "the end": "",
    "sys.exit": "sys.exit(0)",
    "an exception": "raise SystemExit(0)",
    "a global": "keep = globals()",
    "a circle": "circle = [stream, client]; circle.append(circle)",
    "a thread that waits": """
def wait():
    try:
        list(stream)
    except llm2api.ClosedError:
        pass
thread = threading.Thread(target=wait, daemon=True)
thread.start()
""",
}


@pytest.mark.parametrize("begin", [BEGUN, ASYNC_BEGUN], ids=["sync", "async"])
@pytest.mark.parametrize("ending", list(ENDINGS))
def test_a_program_that_ends_amid_a_stream_stops_it(over, script, begin, ending):
    scene = over(CHAT_UI_V2)
    if begin is ASYNC_BEGUN and "thread" in ending:
        ending = "the end"
    program = script(scene, begin + ENDINGS[ending])
    program.wait_for_line("BEGUN")
    assert program.ends(ENDS_WITHIN) == 0, program.log()
    assert program.log() == ""
    released(scene.simulator)


def test_a_program_that_has_nothing_to_tell_ends_at_once(over, script):
    ask = 'llm2api.Client(**keywords).chat("Hello", model="demo"); import time; '
    program = script(over(DEMO), ask + 'print("DONE", time.monotonic())')
    done = float(program.wait_for_line("DONE"))
    assert program.ends(ENDS_WITHIN) == 0
    assert time.monotonic() - done < 2.0


def test_a_program_whose_upstream_is_gone_ends_all_the_same(over, script):
    scene = over(CHAT_UI_V2)
    program = script(scene, BEGUN)
    program.wait_for_line("BEGUN")
    scene.simulator.process.send_signal(signal.SIGSTOP)
    try:
        assert program.ends(ENDS_WITHIN) == 0
    finally:
        scene.simulator.process.send_signal(signal.SIGCONT)


def interrupt(program) -> float:
    """Presses Ctrl-C, and returns how long it took until the program knew."""
    pressed = time.monotonic()
    program.process.send_signal(signal.SIGINT)
    return float(program.wait_for_line("INTERRUPTED")) - pressed


def waiting(scene, script, how: str):
    """A program that waits in this way for an upstream that says nothing for long."""
    text = INTERRUPTED.format(model=scene.model, work=WAITING[how])
    if how == "models":
        scene.simulator.script("hang", path="/api/v2/models")
        program = script(scene, text)
        asked = lambda log: any("models" in one["path"] for one in log["requests"])
        scene.simulator.wait_for(asked, within=ENDS_WITHIN)
        return program
    scene.simulator.options(token_delay=300 if "pieces" in how else NEVER_MS)
    program = script(scene, text)
    scene.simulator.wait_for(lambda log: log["running"], within=ENDS_WITHIN)
    return program


@pytest.mark.parametrize("how", list(WAITING))
def test_ctrl_c_ends_the_wait_and_frees_the_upstream(over, script, how):
    """While the program goes on, so that not its end frees it."""
    scene = over(CHAT_UI_V2)
    program = waiting(scene, script, how)
    assert interrupt(program) < INTERRUPTED_WITHIN
    if how != "models":
        released(scene.simulator)
    assert program.is_running()
    program.process.stdin.close()
    assert program.ends(ENDS_WITHIN) == 0, program.log()


def test_ctrl_c_that_nobody_catches_ends_the_program_and_frees_the_upstream(over, script):
    scene = over(CHAT_UI_V2)
    program = script(scene, BEGUN + "list(stream)")
    program.wait_for_line("BEGUN")
    program.process.send_signal(signal.SIGINT)
    assert program.ends(ENDS_WITHIN) == -signal.SIGINT
    assert program.log().rstrip().endswith("KeyboardInterrupt")
    released(scene.simulator)


def test_a_handler_of_the_programs_own_runs_amid_a_wait(over, script):
    scene = over(OPENAI)
    text = """
import signal, time
signal.signal(signal.SIGUSR1, lambda *_: print("HANDLED", time.monotonic()))
answer = llm2api.Client(**keywords).chat("SLOW", model="%s")
print("ANSWERED", answer.finish_reason)
"""
    program = script(scene, text % scene.model)
    scene.simulator.wait_for(lambda log: log["running"], within=ENDS_WITHIN)
    sent = time.monotonic()
    program.process.send_signal(signal.SIGUSR1)
    assert float(program.wait_for_line("HANDLED")) - sent < INTERRUPTED_WITHIN
    assert program.wait_for_line("ANSWERED") == "stop"
    assert program.ends(ENDS_WITHIN) == 0
    assert is_free(scene.simulator.snapshot())


def test_a_handler_may_close_the_client_amid_a_wait(over, script):
    scene = over(CHAT_UI_V2)
    scene.simulator.options(token_delay=NEVER_MS)
    text = """
import signal, time
client = llm2api.Client(**keywords)
def end(*_):
    begun = time.monotonic()
    client.close()
    print("CLOSED", time.monotonic() - begun)
signal.signal(signal.SIGUSR1, end)
try:
    client.chat("Hello", model="%s")
except llm2api.ClosedError as error:
    print("ENDED", error)
"""
    program = script(scene, text % scene.model)
    scene.simulator.wait_for(lambda log: log["running"], within=ENDS_WITHIN)
    program.process.send_signal(signal.SIGUSR1)
    assert float(program.wait_for_line("CLOSED")) < RELEASED_WITHIN
    assert "closed" in program.wait_for_line("ENDED")
    assert program.ends(ENDS_WITHIN) == 0
    released(scene.simulator)


def test_calls_behind_the_end_are_refused(over, script):
    """What was registered before the package was imported runs after its own end."""
    scene = over(OPENAI)
    text = """
import asyncio, subprocess
code = '''
import asyncio, atexit, json, sys
keywords = json.loads(sys.argv[1])
def late():
    try:
        asyncio.run(llm2api.AsyncClient(**keywords).models())
    except llm2api.ClosedError as error:
        print("LATE", error)
atexit.register(late)
import llm2api
llm2api.Client(**keywords).models()
'''
done = subprocess.run([sys.executable, "-c", code, json.dumps(keywords)], timeout=20, capture_output=True, text=True)
print("SAID", done.stdout.strip(), done.stderr.strip())
"""
    program = script(scene, text)
    assert program.wait_for_line("SAID").startswith("LATE"), program.log()
    assert program.ends(ENDS_WITHIN) == 0
