"""The accounts of a client: added, listed, checked, removed, kept in stores, and let rest."""

import time

import pytest

import llm2api

from programs import CHAT_UI_V2, DEMO, EMPTY_POOL, OPENAI
from redis_server import Redis
from test_auth_codes import Keys, auth, well
from test_openai_errors import refusal

ANN, BOB, CID = (f"cookie-of-{name}" for name in ("ann", "bob", "cid"))
MASTER_KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="


def error_of(call) -> llm2api.LLM2APIError:
    with pytest.raises(llm2api.LLM2APIError) as caught:
        call()
    return caught.value


def test_accounts_are_added_listed_checked_and_removed(over_by_door):
    client = over_by_door(EMPTY_POOL).client()
    assert client.pool() == []
    ann = client.add(ANN, label="Ann")
    bob = client.add(f"hf-chat={BOB}")
    assert isinstance(ann, llm2api.Account)
    assert (ann.label, ann.account, ann.state, ann.proven) == ("Ann", "ann", "active", True)
    assert [one.id for one in client.pool()] == [ann.id, bob.id]
    [checked] = client.check(ann)
    assert (checked.verdict, checked.account.id) == ("valid", ann.id)
    assert {one.account.id for one in client.check()} == {ann.id, bob.id}
    client.remove(ann)
    client.remove(bob.id)
    assert client.pool() == [] and client.check() == []


def test_an_account_shows_everything_but_its_secret(over_by_door):
    scene = over_by_door(EMPTY_POOL)
    client = scene.client()
    added = client.add(ANN, label="Ann")
    client.chat("Hello", model=scene.model)
    [account] = client.pool()
    now = time.time()
    assert (account.requests, account.failures, account.in_flight) == (1, 0, 0)
    assert account.max_concurrency == 4 and account.weight == 1
    for moment in (account.created, account.last_used, account.last_checked):
        assert now - 60 < moment <= now + 1
    assert (account.reason, account.until, account.last_error) == (None, None, None)
    assert len(account.fingerprint) == 8 and account.fingerprint == added.fingerprint
    for shown in (repr(account), account.model_dump_json(), str(account.model_dump())):
        assert ANN not in shown
    assert account.model_dump()["id"] == account.id
    assert account != added, "it was used meanwhile"


def test_in_flight_counts_what_runs(over_by_door):
    scene = over_by_door(CHAT_UI_V2)
    client = scene.client()
    with client.chat("SLOW LONGRUN", model=scene.model, stream=True):
        with client.chat("SLOW LONGRUN", model=scene.model, stream=True):
            assert [one.in_flight for one in client.pool()] == [2]
        scene.simulator.wait_for(lambda log: len(log["running"]) == 1)
        assert [one.in_flight for one in client.pool()] == [1]
    scene.simulator.wait_for(lambda log: not log["running"])
    assert [one.in_flight for one in client.pool()] == [0]


def test_what_the_upstream_does_not_know_is_not_added(over_by_door):
    client = over_by_door(EMPTY_POOL).client()
    error = error_of(lambda: client.add("cookie-of-nobody"))
    assert (type(error), error.code) == (llm2api.BadRequestError, "invalid_cookie")
    assert "cookie-of-nobody" not in f"{error!r} {vars(error)}"
    for wrong in ("", "a\nb", "\x00"):
        assert isinstance(error_of(lambda: client.add(wrong)), llm2api.BadRequestError)
    assert client.pool() == []


def test_an_account_that_nobody_has_is_an_error(over_by_door):
    client = over_by_door(EMPTY_POOL).client(credentials=ANN)
    [account] = client.pool()
    client.remove(account)
    for call in (client.remove, client.check):
        for target in (account, account.id, "nobody"):
            error = error_of(lambda: call(target))
            assert error.code == "cookie_not_found"


def test_a_cookie_that_dies_goes_out_and_says_why(over_by_door):
    scene = over_by_door(EMPTY_POOL)
    client = scene.client(credentials=[ANN, BOB])
    scene.simulator.mark(ANN, "revoked")
    verdicts = {one.account.account: one for one in client.check()}
    [dead] = [one for one in client.pool() if one.state == "invalid"]
    assert {one.verdict for one in verdicts.values()} == {"valid", "invalid"}
    assert dead.reason and dead.until is None
    [message] = [one.message for one in verdicts.values() if one.verdict == "invalid"]
    assert message and ANN not in message
    for _ in range(3):
        assert client.chat("Hello", model=scene.model).text
    tallies = scene.simulator.tallies()
    assert ANN not in {value for value, tally in tallies.items() if tally["chats"]}
    scene.simulator.mark(ANN, None)
    assert {one.verdict for one in client.check(dead)} == {"valid"}
    assert {one.state for one in client.pool()} == {"active"}


def test_a_check_that_comes_to_nothing_is_unknown(over_by_door):
    scene = over_by_door(CHAT_UI_V2)
    client = scene.client()
    [account] = client.pool()
    for _ in range(10):
        scene.simulator.script({"json": {"status": 500, "body": {}}}, path="/api/v2/user")
    [checked] = client.check(account)
    assert checked.verdict == "unknown" and checked.message


def test_an_account_rests_after_a_rate_limit_until_it_says(over_by_door):
    scene = over_by_door(OPENAI)
    client = scene.client(max_retries=0)
    scene.simulator.script(refusal(429, "rate_limit_exceeded", **{"retry-after": "90"}))
    error = error_of(lambda: client.chat("Hello", model=scene.model))
    [account] = client.pool()
    assert account.state == "cooling" and account.reason and account.failures == 1
    assert account.last_error
    assert 80 < account.until - time.time() <= 91
    again = error_of(lambda: client.chat("Hello", model=scene.model))
    assert 80 < again.retry_after <= 90 and error.retry_after <= 90
    assert len(scene.sent()) == 1


def test_with_another_account_a_rate_limit_is_not_noticed(over_by_door):
    scene = over_by_door(EMPTY_POOL)
    client = scene.client(credentials=[ANN, BOB, CID])
    scene.simulator.script({"json": {"status": 429, "body": {"message": "slow down"}}})
    assert "Hello" in client.chat("Hello", model=scene.model).text
    assert sorted(one.state for one in client.pool()) == ["active", "active", "cooling"]


def test_calls_take_turns_among_accounts(over_by_door):
    scene = over_by_door(EMPTY_POOL)
    client = scene.client(credentials=[ANN, BOB, CID], pool_strategy="round-robin")
    for _ in range(6):
        client.chat("Hello", model=scene.model)
    assert [one.requests for one in client.pool()] == [2, 2, 2]


def test_a_full_pool_says_so_in_time(over_by_door):
    scene = over_by_door(OPENAI)
    client = scene.client(max_concurrency_per_credential=1, queue_timeout=0, max_retries=0)
    with client.chat("SLOW LONGRUN", model=scene.model, stream=True):
        error = error_of(lambda: client.chat("Hello", model=scene.model))
    assert (type(error), error.code) == (llm2api.RateLimitError, "pool_exhausted")
    assert error.retry_after > 0


# ---- Stores

KEEPS = """
with llm2api.Client(**keywords) as client:
    if not client.pool():
        client.add("%s", label="Ann")
    print("ACCOUNTS", [(one.label, one.account) for one in client.pool()], client.pool()[0].id)
    print(client.chat("Hello", model="%s").text)
"""


def test_a_file_keeps_accounts_from_one_process_to_the_next(over, script, tmp_path):
    scene = over(EMPTY_POOL)
    store = {"store": f"sqlite:{tmp_path / 'accounts.db'}", "data_dir": str(tmp_path)}
    seen = set()
    for _ in range(2):
        program = script(scene, KEEPS % (ANN, scene.model), **store)
        seen.add(program.wait_for_line("ACCOUNTS"))
        assert program.ends(20) == 0, program.log()
    [same] = seen
    assert same.startswith("[('Ann', 'ann')]")
    kept = [path.read_bytes() for path in tmp_path.iterdir() if path.is_file()]
    assert not any(ANN.encode() in one for one in kept)


def test_without_a_store_nothing_is_kept(over, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    scene = over(EMPTY_POOL)
    before = set(tmp_path.iterdir())
    with scene.client() as client:
        client.add(ANN)
        assert client.chat("Hello", model=scene.model).text
    with scene.client() as client:
        assert client.pool() == []
    assert set(tmp_path.iterdir()) == before


@pytest.fixture
def redis(tmp_path):
    server = Redis(tmp_path)
    yield server
    server.stop()


def test_clients_that_share_a_redis_share_accounts_and_places(over_by_door, redis):
    scene = over_by_door(EMPTY_POOL)
    shared = {"store": redis.url, "master_key": MASTER_KEY, "max_concurrency_per_credential": 1}
    first, second = (scene.client(**shared, queue_timeout=0, max_retries=0) for _ in range(2))
    added = first.add(ANN, label="Ann")
    deadline = time.monotonic() + 10
    while not (seen := second.pool()):
        assert time.monotonic() < deadline, "the other client never learns of it"
    assert [(one.id, one.label) for one in seen] == [(added.id, "Ann")]
    with first.chat("SLOW LONGRUN", model=scene.model, stream=True):
        error = error_of(lambda: second.chat("Hello", model=scene.model))
        assert error.code == "pool_exhausted"
    scene.simulator.wait_for(lambda log: not log["running"])
    assert scene.client(**shared).chat("Hello", model=scene.model).text
    assert ANN.encode() not in redis.say("KEYS *")


def test_a_store_that_cannot_be_reached_is_named(over_by_door):
    scene = over_by_door(OPENAI)
    client = scene.client(store="redis://:secret@127.0.0.1:9/0", master_key=MASTER_KEY)
    error = error_of(client.pool)
    assert "127.0.0.1:9" in str(error) or "store" in str(error).lower()
    assert "secret" not in f"{error!r} {vars(error)}"


# ---- Authorisation


def test_a_good_code_lets_calls_through(over_by_door, tmp_path):
    scene, keys = over_by_door(OPENAI), Keys(tmp_path)
    code = keys.issue("--holder", "Ada", "--expires", "1h").strip()
    client = scene.client(auth_code=code, auth_public_key=keys.public_text)
    assert client.chat("Hello", model=scene.model).text
    assert code not in repr(client)


@pytest.mark.parametrize("wrong", ["too early", "another's", "none"])
def test_a_code_that_is_not_good_lets_nobody_through(over_by_door, tmp_path, wrong):
    scene, keys = over_by_door(OPENAI), Keys(tmp_path)
    pair = ["--private-key-file", str(keys.file), "--holder", "Ada"]
    codes = {
        "too early": lambda: keys.issue("--holder", "Ada", "--not-before", "1h", "--expires", "2h"),
        "another's": lambda: Keys(tmp_path, "other.json").issue("--holder", "Ada"),
        "none": lambda: well(auth("issue", *pair))[:-9],
    }
    client = scene.client(auth_code=codes[wrong]().strip(), auth_public_key=keys.public_text)
    error = error_of(lambda: client.chat("Hello", model=scene.model))
    assert (type(error), error.status_code) == (llm2api.PermissionDeniedError, 403)
    assert scene.sent() == []


def test_the_demo_has_no_accounts_until_it_is_given_some(over_by_door):
    client = over_by_door(DEMO).client()
    assert client.pool() == []
    account = client.add("sk-123", label="Ann")
    assert (account.label, account.proven, account.state) == ("Ann", False, "active")
    assert [one.verdict for one in client.check(account)] == ["valid"]
