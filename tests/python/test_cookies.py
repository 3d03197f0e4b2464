"""Cookies are listed, added, checked, switched, changed and removed while the server runs."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from operator_calls import EXPORT_FORMATS, SETTINGS, operator
from programs import EMPTY_POOL
from wire import body, failure, post

ANN, BOB, CID = "hf-chat=cookie-of-ann", "hf-chat=cookie-of-bob", "hf-chat=cookie-of-cid"
PAGE = {
    "text": {
        "status": 200,
        "content_type": "text/html",
        "body": "<!doctype html><title>Sign in</title>",
    }
}
LIMITED = {
    "json": {
        "status": 429,
        "headers": [["retry-after", "600"]],
        "body": {"message": "You are sending too many messages. Try again later."},
    }
}
AUTHORIZED = {"Authorization": "Bearer sk-ours"}


@pytest.fixture
def pool(play):
    """A server without cookies, in front of an upstream with users."""
    return play(EMPTY_POOL, **SETTINGS)


def chat(stage, text="Hello"):
    return post(stage.chat_url, body(stage.model, text), headers=AUTHORIZED)


# ---- Adding


def test_an_added_cookie_is_listed_and_used(pool):
    added = operator(pool).add(ANN, label="Ann's")
    [entry] = operator(pool).list()
    assert {"id", "label", "upstream", "fingerprint", "state", "in_flight"} <= set(entry)
    assert (entry["id"], entry["label"], entry["state"]) == (added["id"], "Ann's", "active")
    assert len(entry["fingerprint"]) == 8
    assert chat(pool).status_code == 200
    assert pool.simulator.tallies()["cookie-of-ann"]["chats"] >= 2


@pytest.mark.parametrize("again", [ANN, "cookie-of-ann", "hf-chat=second-cookie-of-ann"])
def test_a_second_cookie_of_an_account_is_a_duplicate(pool, again):
    operator(pool).add(ANN)
    failure(operator(pool).post("/cookie/add", {"cookie": again}), 409, "duplicate_cookie")
    assert len(operator(pool).list()) == 1


BAD = {
    "empty": {"cookie": ""},
    "blank": {"cookie": "  "},
    "a line break": {"cookie": "hf-chat=a\r\nX-Evil: b"},
    "a NUL": {"cookie": "hf-chat=a\0b"},
    "no ASCII": {"cookie": "hf-chat=größe"},
    "no text": {"cookie": 7},
    "a list": {"cookie": [ANN]},
    "no cookie": {"label": "Ann's"},
    "no object": [ANN],
    "an unknown upstream": {"cookie": ANN, "upstream": "elsewhere"},
}


@pytest.mark.parametrize("wrong", BAD.values(), ids=BAD.keys())
def test_a_malformed_cookie_is_refused_and_not_asked_about(pool, wrong):
    before = pool.simulator.tallies()
    failure(operator(pool).post("/cookie/add", wrong), 400)
    assert operator(pool).list() == []
    assert pool.simulator.tallies() == before
    assert "evil" not in json.dumps(pool.simulator.snapshot()).lower()


def test_a_cookie_of_a_megabyte_is_refused(pool):
    answer = operator(pool).post("/cookie/add", {"cookie": "hf-chat=" + "a" * 2**20})
    assert answer.status_code in (400, 413), answer.text
    failure(answer, answer.status_code)
    assert operator(pool).list() == []


def test_a_dead_cookie_is_refused(pool):
    answer = operator(pool).post("/cookie/add", {"cookie": "hf-chat=cookie-of-nobody"})
    failure(answer, 400, "invalid_cookie")
    assert "cookie-of-nobody" not in answer.text
    assert operator(pool).list() == []


def test_a_page_in_place_of_the_check_adds_nothing(pool):
    for _ in range(12):
        pool.simulator.script(PAGE, path="/")
    answer = operator(pool).post("/cookie/add", {"cookie": ANN})
    failure(answer, 400, "invalid_cookie")
    assert "login page" in answer.json()["error"]["message"]
    assert operator(pool).list() == []


def test_an_upstream_that_stalls_adds_nothing(play):
    stage = play(EMPTY_POOL, FIRST_CONTENT_TIMEOUT="1s", **SETTINGS)
    for _ in range(12):
        stage.simulator.script("hang", path="/")
    failure(operator(stage).post("/cookie/add", {"cookie": ANN}), 502, "upstream_unreachable")
    assert operator(stage).list() == []


def test_an_upstream_that_is_down_adds_nothing(pool):
    pool.simulator.stop()
    failure(operator(pool).post("/cookie/add", {"cookie": ANN}), 502, "upstream_unreachable")
    assert operator(pool).list() == []


# ---- Checking


def test_a_check_finds_the_dead_and_the_revived(pool):
    ann, bob = operator(pool).add(ANN)["id"], operator(pool).add(BOB)["id"]
    pool.simulator.mark("cookie-of-ann", "revoked")
    operator(pool).done("/cookie/check", id=ann)
    assert [operator(pool).state(each) for each in (ann, bob)] == ["invalid", "active"]
    pool.simulator.mark("cookie-of-ann", None)
    operator(pool).done("/cookie/check")
    assert [operator(pool).state(each) for each in (ann, bob)] == ["active", "active"]


def test_a_check_while_the_upstream_is_down_throws_nobody_out(pool):
    ann = operator(pool).add(ANN)["id"]
    pool.simulator.stop()
    [checked] = operator(pool).done("/cookie/check")["data"]
    assert checked["verdict"] == "unknown" and checked["message"], checked
    assert operator(pool).state(ann) == "active"


# ---- Switching


def test_a_disabled_cookie_is_not_used(pool):
    ann = operator(pool).add(ANN)["id"]
    operator(pool).done("/cookie/disable", id=ann)
    assert operator(pool).state(ann) == "disabled"
    failure(chat(pool), 503, "no_credential")
    operator(pool).done("/cookie/enable", cookie=ANN)
    assert operator(pool).state(ann) == "active"
    assert chat(pool).status_code == 200


def test_a_cooldown_can_be_cleared(pool):
    operator(pool).add(ANN)
    operator(pool).add(BOB)
    pool.simulator.script(LIMITED)
    assert chat(pool).status_code == 200, "the other one answers"
    [entry] = [entry for entry in operator(pool).list() if entry["state"] != "active"]
    assert entry["state"] == "cooling" and entry["until"] and entry["reason"], entry
    operator(pool).done("/cookie/clear", id=entry["id"])
    assert [entry["state"] for entry in operator(pool).list()] == ["active", "active"]


# ---- Changing and removing


def test_label_and_weight_can_be_changed(pool):
    ann = operator(pool).add(ANN)["id"]
    operator(pool).done("/cookie/update", id=ann, label="<b>Ann</b>", weight=7)
    entry = operator(pool).entry(ann)
    assert (entry["label"], entry["weight"]) == ("<b>Ann</b>", 7)
    for wrong in (0, 101, -1, "7", 1.5):
        failure(operator(pool).post("/cookie/update", {"id": ann, "weight": wrong}), 400)
    assert operator(pool).entry(ann)["weight"] == 7


def test_the_secret_can_be_replaced(pool):
    before = operator(pool).add(ANN)
    pool.simulator.mark("cookie-of-ann", "revoked")
    operator(pool).done("/cookie/check", id=before["id"])
    operator(pool).done("/cookie/update", id=before["id"], cookie="hf-chat=second-cookie-of-ann")
    after = operator(pool).entry(before["id"])
    assert after["state"] == "active"
    assert after["fingerprint"] != before["fingerprint"]
    assert chat(pool).status_code == 200


def test_a_secret_is_not_replaced_by_a_dead_one(pool):
    before = operator(pool).add(ANN)
    change = {"id": before["id"], "cookie": "hf-chat=cookie-of-nobody"}
    failure(operator(pool).post("/cookie/update", change), 400, "invalid_cookie")
    assert operator(pool).entry(before["id"])["fingerprint"] == before["fingerprint"]
    assert chat(pool).status_code == 200


def test_a_removed_cookie_is_gone(pool):
    ann, bob = operator(pool).add(ANN)["id"], operator(pool).add(BOB)["id"]
    operator(pool).done("/cookie/remove", id=ann)
    assert [entry["id"] for entry in operator(pool).list()] == [bob]
    operator(pool).done("/cookie/remove", cookie=BOB)
    assert operator(pool).list() == []
    assert operator(pool).add(ANN)["id"]


@pytest.mark.parametrize("path", ["check", "enable", "disable", "clear", "remove", "update"])
def test_an_unknown_cookie_is_not_found(pool, path):
    operator(pool).add(BOB)
    targets = [{"id": "nobody"}, {"cookie": ANN}]
    if path == "update":  # where a cookie is the new secret
        targets = [{"id": "nobody", "label": "x"}]
    for target in targets:
        answer = operator(pool).post(f"/cookie/{path}", target)
        failure(answer, 404)
        assert "cookie-of-ann" not in answer.text
    assert len(operator(pool).list()) == 1


# ---- Both ways


@pytest.mark.parametrize("form", EXPORT_FORMATS)
def test_an_export_can_be_imported_elsewhere(play, form):
    first = play(EMPTY_POOL, **SETTINGS)
    second = play(EMPTY_POOL, MAX_CONCURRENCY_PER_CREDENTIAL="1", **SETTINGS)
    values = [cookie.removeprefix("hf-chat=") for cookie in (ANN, BOB, CID)]
    for value in values:
        operator(first).add(f"hf-chat={value}", label=f"label of {value[-3:]}")
    weighed, bare = operator(first).list()[0]["id"], operator(first).list()[1]["id"]
    operator(first).done("/cookie/update", id=weighed, weight=7)
    # A bare value is the session cookie's.
    operator(first).done("/cookie/update", id=bare, cookie=values[1])
    text = operator(first).export(form)
    assert all(value in text for value in values)

    answer = operator(second).bring(text, form)
    assert answer.status_code == 200, answer.text
    assert not any(value in answer.text for value in values)
    entries = operator(second).list()
    assert [entry["state"] for entry in entries] == ["active"] * 3
    assert operator(second).export(form).count("cookie-of-") == text.count("cookie-of-")
    if form == "json":
        assert {entry["label"] for entry in entries} == {f"label of {v[-3:]}" for v in values}
        assert sorted(entry["weight"] for entry in entries) == [1, 1, 7]
    with ThreadPoolExecutor() as clients:
        answers = list(clients.map(lambda _: chat(second, "SLOW"), values))
    assert [answer.status_code for answer in answers] == [200] * 3
    used = {value for value, tally in second.simulator.tallies().items() if tally["chats"]}
    assert used == set(values)


def test_neither_duplicates_nor_dead_cookies_stop_an_import(pool):
    operator(pool).add(ANN)
    cookies = [ANN, "hf-chat=cookie-of-nobody", BOB]
    text = json.dumps({"version": 1, "accounts": [{"cookie": cookie} for cookie in cookies]})
    answer = operator(pool).bring(text, "json")
    assert answer.status_code == 200, answer.text
    report = answer.json()
    assert (report["added"], report["duplicates"], report["failed"]) == (1, 1, 1)
    assert "cookie-of-" not in answer.text
    assert len(operator(pool).list()) == 2


def test_a_disabled_account_stays_so_when_it_moves(play):
    first, second = play(EMPTY_POOL, **SETTINGS), play(EMPTY_POOL, **SETTINGS)
    operator(first).done("/cookie/disable", id=operator(first).add(ANN)["id"])
    assert operator(second).bring(operator(first).export("json"), "json").json()["added"] == 1
    assert [entry["state"] for entry in operator(second).list()] == ["disabled"]


def test_an_account_of_the_settings_is_said_to_come_back(play):
    stage = play(EMPTY_POOL, COOKIES=ANN, **SETTINGS)
    [entry] = operator(stage).list()
    assert "next start" in operator(stage).done("/cookie/remove", id=entry["id"])["note"]
    added = operator(stage).add(BOB)
    assert "note" not in operator(stage).done("/cookie/remove", id=added["id"])


@pytest.mark.parametrize("form", ["netscape", "json"])
def test_a_text_that_is_no_export_is_refused(pool, form):
    failure(operator(pool).bring("{[secret-junk", form), 400)
    assert "secret-junk" not in operator(pool).bring("{[secret-junk", form).text
    failure(operator(pool).bring(ANN, "xml"), 400)
    assert operator(pool).list() == []
