"""Ten thousand cookies are no burden."""

import time

from operator_calls import SETTINGS, operator
from programs import Upstream, LLAMA

# Without a login every cookie is a session.
OPEN = Upstream("chat-ui-open", LLAMA, {"UPSTREAM_KIND": "chat-ui"}, ("--family", "v2"))
MANY = 10_000
# The list takes a second of a release build; what is tested here is not optimised.
LIST_WITHIN = 3.0
IMPORT_WITHIN = 300.0


def test_ten_thousand_cookies_are_imported_and_listed(play):
    stage = play(OPEN, **SETTINGS)
    text = "".join(f"hf-chat=session-{number:05}\n" for number in range(MANY))
    answer = operator(stage).bring(text, "plain", timeout=IMPORT_WITHIN)
    assert answer.status_code == 200, answer.text[:2000]

    begun = time.monotonic()
    entries = operator(stage).list()
    took = time.monotonic() - begun
    assert len({entry["id"] for entry in entries}) == MANY
    assert took <= LIST_WITHIN, f"the list took {took:.2f} s"
    assert paged(operator(stage), 3000) == [entry["id"] for entry in entries]


def paged(who, limit: int) -> list[str]:
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
