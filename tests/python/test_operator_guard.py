"""The operator's paths open for the operator alone: key, host, content type, session."""

import json

import pytest
import requests

from operator_calls import KEY, SETTINGS, Operator, operator
from programs import EMPTY_POOL
from wire import TIMEOUT, failure

ANN = "hf-chat=cookie-of-ann"
ROUTES = [
    ("GET", "/cookies"),
    ("GET", "/cookies/export"),
    ("POST", "/cookies/import"),
    *(("POST", f"/cookie/{verb}") for verb in ("add", "check", "enable", "disable", "clear")),
    ("POST", "/cookie/remove"),
    ("POST", "/cookie/update"),
    ("GET", "/keys"),
    *(("POST", f"/key/{verb}") for verb in ("create", "revoke", "rotate", "update")),
]
EACH_ROUTE = pytest.mark.parametrize("method, path", ROUTES, ids=[path for _, path in ROUTES])


@pytest.fixture(scope="module")
def pool(play_for_module):
    """A server with one cookie, in front of an upstream with users."""
    stage = play_for_module(EMPTY_POOL, **SETTINGS)
    operator(stage).add(ANN)
    return stage


def call(stage, method, path, **arguments):
    url = f"{stage.server.origin}{path}"
    arguments = {"json": {} if method == "POST" else None, "timeout": TIMEOUT, **arguments}
    return requests.request(method, url, **arguments)


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


# ---- Key


@EACH_ROUTE
def test_without_the_header_nothing_opens(pool, method, path):
    wrong = [
        {},
        {"headers": {"x-api-key": KEY}},
        {"params": {"key": KEY, "api_key": KEY}},
        {"cookies": {"session": KEY, "key": KEY, "llm2api_session": KEY}},
    ]
    for arguments in wrong:
        failure(call(pool, method, path, **arguments), 401)
    assert len(operator(pool).list()) == 1


# Each wrong key costs the caller time, more and more: not on every path, then.
@pytest.mark.parametrize("method, path", [("GET", "/cookies/export"), ("POST", "/cookie/add")])
def test_a_wrong_key_opens_nothing(pool, method, path):
    for header in ("Bearer sk-theirs", f"Basic {KEY}", f"Bearer {KEY}x"):
        headers = {"Authorization": header}
        failure(call(pool, method, path, headers=headers, json={"cookie": ANN}), 401)
    assert len(operator(pool).list()) == 1, "the right key opens all the same"


def test_with_a_key_of_its_own_the_clients_key_opens_nothing(play):
    stage = play(EMPTY_POOL, API_KEY=KEY, ADMIN_KEY="sk-operator")
    failure(operator(stage).get("/cookies"), 401)
    failure(operator(stage).post("/cookie/add", {"cookie": ANN}), 401)
    assert Operator(stage.server, "sk-operator").list() == []


def test_of_several_keys_only_the_first_is_the_operators(play):
    stage = play(EMPTY_POOL, API_KEY=f"{KEY}, sk-other")
    assert operator(stage).list() == []
    failure(Operator(stage.server, "sk-other").get("/cookies"), 401)


# ---- Host and origin


@EACH_ROUTE
def test_a_foreign_host_is_refused(pool, method, path):
    for host in ("evil.example", "evil.example:80", "127.0.0.1.evil.example"):
        headers = {**bearer(KEY), "Host": host}
        failure(call(pool, method, path, headers=headers), 403)
    assert len(operator(pool).list()) == 1


def test_an_allowed_host_is_served(play):
    stage = play(EMPTY_POOL, ALLOWED_HOSTS="llm.example, other.example", **SETTINGS)
    allowed = call(stage, "GET", "/cookies", headers={**bearer(KEY), "Host": "llm.example"})
    assert allowed.status_code == 200, allowed.text
    refused = call(stage, "GET", "/cookies", headers={**bearer(KEY), "Host": "evil.example"})
    failure(refused, 403)


def test_the_hosts_check_can_be_switched_off(play):
    stage = play(EMPTY_POOL, ALLOWED_HOSTS="*", **SETTINGS)
    answer = call(stage, "GET", "/cookies", headers={**bearer(KEY), "Host": "any.example"})
    assert answer.status_code == 200, answer.text


@EACH_ROUTE
def test_no_other_site_may_read_the_answers(pool, method, path):
    headers = {**bearer(KEY), "Origin": "https://evil.example"}
    for verb in (method, "OPTIONS"):
        answer = call(pool, verb, path, headers=headers)
        names = [name.lower() for name in answer.headers]
        assert not [name for name in names if name.startswith("access-control-")], names


# ---- Content type


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded"])
@pytest.mark.parametrize("path", [path for method, path in ROUTES if method == "POST"])
def test_only_json_is_taken(pool, path, kind):
    headers = {**bearer(KEY), "Content-Type": kind}
    content = json.dumps({"cookie": "hf-chat=cookie-of-bob"}).encode()
    failure(call(pool, "POST", path, json=None, data=content, headers=headers), 415)
    assert len(operator(pool).list()) == 1


# ---- Session


def sign_in(stage, key: str) -> tuple[requests.Session, requests.Response]:
    browser = requests.Session()
    answer = browser.post(f"{stage.server.origin}/session", json={"key": key}, timeout=TIMEOUT)
    return browser, answer


def test_a_browser_signs_in_and_out(pool):
    browser, answer = sign_in(pool, KEY)
    assert answer.status_code in (200, 204), answer.text
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie
    assert KEY not in cookie
    cookies = f"{pool.server.origin}/cookies"
    assert browser.get(cookies, timeout=TIMEOUT).status_code == 200
    kept = dict(browser.cookies)
    signed_out = browser.delete(f"{pool.server.origin}/session", timeout=TIMEOUT)
    assert signed_out.status_code in (200, 204), signed_out.text
    failure(browser.get(cookies, timeout=TIMEOUT), 401)
    failure(requests.get(cookies, cookies=kept, timeout=TIMEOUT), 401)


def test_a_wrong_key_signs_nobody_in(pool):
    for key in ("sk-theirs", ""):
        browser, answer = sign_in(pool, key)
        failure(answer, 401)
        assert not browser.cookies
    browser, answer = sign_in(pool, KEY)
    assert answer.status_code in (200, 204), "the right key still works"


def test_a_session_does_nothing_for_another_site(pool):
    browser, _ = sign_in(pool, KEY)
    url = f"{pool.server.origin}/cookie/add"
    foreign = {"Origin": "https://evil.example"}
    answer = browser.post(url, json={"cookie": "hf-chat=cookie-of-bob"}, headers=foreign)
    failure(answer, 403)
    assert len(operator(pool).list()) == 1
    own = {"Origin": pool.server.origin}
    failure(browser.post(url, data=b"{}", headers={**own, "Content-Type": "text/plain"}), 415)
    answer = browser.post(url, json={"cookie": "hf-chat=cookie-of-bob"}, headers=own)
    assert answer.status_code == 200, answer.text
    operator(pool).done("/cookie/remove", id=answer.json()["id"])
