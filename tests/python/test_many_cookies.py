"""Ten thousand cookies are no burden."""

import os
import time
from pathlib import Path

from operator_calls import SETTINGS, Operator, operator
from programs import LLAMA, Server, Upstream

# Without a login every cookie is a session.
OPEN = Upstream("chat-ui-open", LLAMA, {"UPSTREAM_KIND": "chat-ui"}, ("--family", "v2"))
MANY = 10_000
# What is promised of a release build, which `just proof` brings; other builds are not optimised.
PROOF = os.environ.get("PROOF") == "true"
LIST_WITHIN, START_WITHIN = (1.0, 2.0) if PROOF else (3.0, 10.0)
KIB_A_COOKIE = 4 if PROOF else 8
IMPORT_WITHIN = 300.0


def resident_kib(process: int) -> int:
    status = Path(f"/proc/{process}/status").read_text()
    [line] = [line for line in status.splitlines() if line.startswith("VmRSS:")]
    return int(line.split()[1])


def test_ten_thousand_cookies_are_imported_listed_and_there_after_a_restart(play, tmp_path):
    settings = {"DATA_DIR": str(tmp_path / "many"), **SETTINGS}
    stage = play(OPEN, **settings)
    idle = resident_kib(stage.server.process.pid)
    text = "".join(f"hf-chat=session-{number:05}\n" for number in range(MANY))
    answer = operator(stage).bring(text, "plain", timeout=IMPORT_WITHIN)
    assert answer.status_code == 200, answer.text[:2000]
    ids = listed(operator(stage))
    assert paged(operator(stage), 3000) == ids

    stage.server.stop()
    begun = time.monotonic()
    again = Server(tmp_path, **stage.upstream.settings_for(stage.simulator), **settings)
    took = time.monotonic() - begun
    try:
        kib = resident_kib(again.process.pid) - idle
        print(f"start: {took:.2f} s, resident: {idle} KiB and {kib / MANY:.2f} a cookie")
        assert took <= START_WITHIN, f"the start took {took:.2f} s"
        assert listed(Operator(again)) == ids
        assert kib <= KIB_A_COOKIE * MANY, f"{kib / MANY:.2f} KiB a cookie"
    finally:
        again.stop()


def listed(who: Operator) -> list[str]:
    """The ids of all, which come soon."""
    begun = time.monotonic()
    ids = [entry["id"] for entry in who.list()]
    took = time.monotonic() - begun
    print(f"list: {took:.2f} s")
    assert len(set(ids)) == MANY
    assert took <= LIST_WITHIN, f"the list took {took:.2f} s"
    return ids


def paged(who: Operator, limit: int) -> list[str]:
    """The ids of all pages."""
    ids: list[str] = []
    while True:
        after = {"after": ids[-1]} if ids else {}
        answer = who.get("/cookies", params={"limit": limit, **after})
        assert answer.status_code == 200, answer.text
        page = answer.json()
        assert page["total"] == MANY
        ids += [entry["id"] for entry in page["data"]]
        if len(page["data"]) < limit:
            return ids
