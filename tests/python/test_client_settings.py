"""Where a client's settings come from, which counts over which, and what is wrong with some."""

import json
import re
import time
import warnings
from datetime import timedelta

import pytest

import llm2api

from programs import CHAT_UI_V2, KEY, OPENAI

CANARY = "sk-canary-7d1f"
HELLO = "ECHO:Hello"
# What the server alone asks for; a program around a client may have such variables for itself.
OF_THE_SERVER = {
    "LISTEN": "nonsense",
    "API_KEY": "",
    "ADMIN_KEY": "",
    "ALLOWED_HOSTS": "not a host",
    "REQUEST_BODY_LIMIT": "much",
    "MAX_CONNECTIONS": "-1",
    "LOG_FORMAT": "poem",
    "METRICS_LISTEN": "nonsense",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "nonsense",
    "SHUTDOWN_GRACE": "soon",
}


def toml(value) -> str:
    return json.dumps(value)


def written(table: dict) -> str:
    """A settings file that holds what a dict holds."""
    lines = []
    for section in ("server", "pool"):
        lines += [f"[{section}]", *(f"{k} = {toml(v)}" for k, v in table.get(section, {}).items())]
    for section in ("upstream", "model"):
        for entry in table.get(section, []):
            plain = {name: value for name, value in entry.items() if name != "credentials"}
            lines += [f"[[{section}]]", *(f"{k} = {toml(v)}" for k, v in plain.items())]
            secrets = [toml(one["value"]) for one in entry.get("credentials", [])]
            secrets = [f"{{ value = {secret} }}" for secret in secrets]
            lines += [f"credentials = [{', '.join(secrets)}]"] if secrets else []
    return "\n".join(lines) + "\n"


@pytest.fixture(params=["dict", "path", "str", "default"])
def configured(request, tmp_path, monkeypatch):
    """Makes a client of a table: as a dict, and of files that hold the same."""

    def make(table: dict, **keywords) -> llm2api.Client:
        if request.param == "dict":
            return llm2api.Client(config=table, **keywords)
        directory = tmp_path / "working"
        directory.mkdir(exist_ok=True)
        file = directory / "llm2api.toml"
        file.write_text(written(table), encoding="utf-8")
        if request.param == "default":
            monkeypatch.chdir(directory)
            return llm2api.Client(**keywords)
        return llm2api.Client(config=file if request.param == "path" else str(file), **keywords)

    return make


def upstream(name: str, scene) -> dict:
    settings = scene.upstream.settings_for(scene.simulator)
    kind, url = settings["UPSTREAM_KIND"], settings["UPSTREAM_URL"]
    return {"name": name, "kind": kind, "url": url, "credentials": [{"value": settings["COOKIES"]}]}


def test_a_table_holds_several_upstreams_and_aliases(configured, over):
    first, second = over(CHAT_UI_V2), over(OPENAI)
    alias = {"name": "llama", "serve": [f"team/{first.model}", f"keys/{second.model}"]}
    table = {"upstream": [upstream("team", first), upstream("keys", second)], "model": [alias]}
    with configured(table) as client:
        assert client.chat(HELLO, model=f"team/{first.model}").text == "Hello"
        assert first.simulator.snapshot()["generations"] == 1
        assert client.chat(HELLO, model=f"keys/{second.model}").text == "Hello"
        assert second.simulator.snapshot()["generations"] == 1
        assert client.chat(HELLO, model="llama").text == "Hello"
        assert "llama" in [model.id for model in client.models()]
        assert {account.upstream for account in client.pool()} == {"team", "keys"}


def test_a_table_sets_the_figures_of_the_pool(configured, over):
    scene = over(OPENAI)
    table = {"pool": {"rate_limit_rest": "77s"}, "upstream": [upstream("one", scene)]}
    scene.simulator.incident(429)
    with configured(table, max_retries=0) as client:
        with pytest.raises(llm2api.RateLimitError):
            client.chat(HELLO, model=scene.model)
        [account] = client.pool()
        assert account.state == "cooling" and 60 < account.until - time.time() <= 78


def test_a_keyword_names_the_upstream_in_place_of_the_files(configured, over):
    there, here = over(CHAT_UI_V2), over(OPENAI)
    alias = {"name": "llama", "serve": [f"team/{there.model}"]}
    table = {"upstream": [upstream("team", there)], "model": [alias]}
    with configured(table, **here.keywords()) as client:
        assert client.chat(HELLO, model=here.model).text == "Hello"
        assert "llama" not in [model.id for model in client.models()]
    assert there.simulator.snapshot()["requests"] == []


@pytest.mark.parametrize("secret", ["", None])
def test_credentials_of_the_environments_upstream_go_nowhere_else(over, monkeypatch, secret):
    there, here = over(CHAT_UI_V2), over(OPENAI)
    for name, value in there.upstream.settings_for(there.simulator).items():
        monkeypatch.setenv(name, value)
    address = here.simulator.url + here.upstream.path
    with llm2api.Client(address, api_key=secret) as client:
        assert client.pool() == []
    with llm2api.Client(upstream="demo") as client:
        assert client.chat(HELLO, model="demo").text.endswith(HELLO)
    sent = [dict(one["headers"]) for one in here.simulator.snapshot()["requests"]]
    assert not any("cookie-of-ann" in str(headers) for headers in sent)
    assert there.simulator.snapshot()["requests"] == []


def strict(client: llm2api.Client, model: str) -> bool:
    """Whether parameters that would be ignored are refused."""
    try:
        client.chat(HELLO, model=model, temperature=0.5)
    except llm2api.BadRequestError:
        return True
    return False


@pytest.mark.parametrize("file", [None, False, True])
@pytest.mark.parametrize("environment", [None, False, True])
@pytest.mark.parametrize("keyword", [None, False, True])
def test_keywords_count_over_the_environment_and_that_over_the_file(
    over, monkeypatch, keyword, environment, file
):
    scene = over(CHAT_UI_V2)
    config = {} if file is None else {"server": {"strict_parameters": file}}
    if environment is not None:
        monkeypatch.setenv("STRICT_PARAMETERS", str(environment).lower())
    given = {} if keyword is None else {"strict_parameters": keyword}
    first = next((one for one in (keyword, environment, file) if one is not None), False)
    assert strict(scene.client(config=config, **given), scene.model) is first


def test_the_environment_alone_makes_a_client(over, monkeypatch):
    scene = over(OPENAI)
    for name, value in scene.upstream.settings_for(scene.simulator).items():
        monkeypatch.setenv(name, value)
    with llm2api.Client() as client:
        assert client.chat(HELLO, model=scene.model).text == "Hello"


def test_a_secret_may_stand_in_a_file_that_the_environment_names(over, monkeypatch, tmp_path):
    scene, file = over(OPENAI), tmp_path / "cookies"
    file.write_text(KEY + "\n", encoding="utf-8")
    monkeypatch.setenv("COOKIES_FILE", str(file))
    settings = {"base_url": scene.simulator.url + "/v1", "upstream": "openai"}
    with llm2api.Client(**settings) as client:
        assert client.chat(HELLO, model=scene.model).text == "Hello"
    with llm2api.Client(**settings, credentials="sk-dead") as client:
        with pytest.raises(llm2api.APIStatusError):
            client.chat(HELLO, model=scene.model)


def test_what_concerns_the_server_alone_is_not_looked_at(monkeypatch):
    for name, value in OF_THE_SERVER.items():
        monkeypatch.setenv(name, value)
    with llm2api.Client(upstream="demo") as client:
        assert client.chat("Hello", model="demo").text.endswith("You said: Hello")
    table = {"server": {"listen": "nonsense", "log_format": "poem"}}
    with llm2api.Client(upstream="demo", config=table) as client:
        assert client.chat("Hello", model="demo").text


def test_without_any_setting_the_demo_answers(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with llm2api.Client() as client:
        assert client.chat("Hello", model="demo").text.endswith("You said: Hello")
    assert list(tmp_path.iterdir()) == [], "a library makes no files unasked"


@pytest.mark.parametrize("auto", [{}, {"upstream": "auto"}], ids=["unset", "auto"])
def test_the_kind_follows_from_the_address(over, auto):
    for scene, address in [(over(OPENAI), "/v1"), (over(OPENAI), "/v1/"), (over(CHAT_UI_V2), "")]:
        settings = {**scene.keywords(), "base_url": scene.simulator.url + address}
        del settings["upstream"]
        with llm2api.Client(**settings, **auto) as client:
            assert client.chat(HELLO, model=scene.model).text == "Hello"


@pytest.mark.parametrize(
    "given",
    [
        {"credentials": KEY},
        {"credentials": [KEY]},
        {"credentials": (KEY,)},
        {"credentials": iter([KEY])},
        {"api_key": KEY},
        {"api_key": KEY, "credentials": ["sk-another"]},
    ],
    ids=["text", "list", "tuple", "iterator", "key", "both"],
)
def test_credentials_come_in_any_form(over, given):
    scene = over(OPENAI)
    settings = {**scene.keywords(), "credentials": (), **given}
    with llm2api.Client(**settings) as client:
        assert client.chat(HELLO, model=scene.model).text == "Hello"


def test_durations_come_in_any_form(over):
    scene = over(OPENAI)
    for wait in (0.2, "200ms", timedelta(milliseconds=200)):
        scene.simulator.script("hang")
        client = scene.client(max_retries=0, first_content_timeout=wait)
        with pytest.raises(llm2api.APITimeoutError) as caught:
            client.chat("Hello", model=scene.model, stream=True)
        assert caught.value.code == "first_content_timeout"


WRONG = [
    ({"base_url": "not a url"}, "UPSTREAM_URL"),
    ({"base_url": f"http://user:{CANARY}@host"}, "UPSTREAM_URL"),
    ({"upstream": "poem"}, "UPSTREAM_KIND"),
    ({"upstream": "chat-ui"}, "UPSTREAM_URL"),
    ({"queue_timeout": "soon"}, "QUEUE_TIMEOUT"),
    ({"queue_timeout": -1}, "QUEUE_TIMEOUT"),
    ({"max_concurrency_per_credential": 0}, "MAX_CONCURRENCY_PER_CREDENTIAL"),
    ({"strict_parameters": "perhaps"}, "STRICT_PARAMETERS"),
    ({"upstream_body_limit": "much"}, "UPSTREAM_BODY_LIMIT"),
    ({"store": f"poem://{CANARY}"}, "STORE_URL"),
    ({"master_key": CANARY}, "MASTER_KEY"),
    ({"credentials": [f"a,{CANARY}"]}, "comma"),
    ({"credentials": [f"a\n{CANARY}"]}, "line break"),
    ({"config": "/no/such/file.toml"}, "/no/such/file.toml"),
    ({"config": {"server": {"no_such": 1}}}, "no_such"),
    ({"config": {"no_such": {}}}, "no_such"),
    ({"config": {"upstream": [{"name": "a", "kind": "poem"}]}}, "upstream.kind"),
    ({"config": {"upstream": [{"name": "a", "kind": "openai", "url": None}]}}, "upstream.url"),
    ({"auth_code": CANARY, "auth_public_key": "short"}, "AUTH_PUBLIC_KEY"),
]


@pytest.mark.parametrize(("given", "named"), WRONG, ids=[json.dumps(str(g))[:40] for g, _ in WRONG])
@pytest.mark.parametrize("kind", [llm2api.Client, llm2api.AsyncClient], ids=["sync", "async"])
def test_settings_that_cannot_be_used_are_refused_at_once(kind, given, named):
    with pytest.raises(llm2api.ConfigurationError) as caught:
        kind(**given)
    assert named.lower() in str(caught.value).lower()
    assert CANARY not in f"{caught.value!r} {vars(caught.value)}"
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "wrong",
    [{"timeout": wait} for wait in (0, -1.0, float("nan"), float("inf"), timedelta())]
    + [{"max_retries": number} for number in (-1, 2**40)],
    ids=str,
)
def test_terms_that_make_no_sense_are_refused_by_client_and_call_alike(wrong):
    [name] = wrong
    client = llm2api.Client(upstream="demo")
    for use in (
        lambda: llm2api.Client(upstream="demo", **wrong),
        lambda: client.with_options(**wrong),
        lambda: client.chat(HELLO, model="demo", **wrong),
    ):
        with pytest.raises(ValueError, match=name):
            use()
    with pytest.raises(TypeError, match="integer"):
        client.with_options(max_retries=1.5)  # type: ignore[arg-type]


def test_a_file_that_is_wrong_is_refused_with_its_line(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text(f'[server]\nlisten = "x"\nsecret = "{CANARY}"\n', encoding="utf-8")
    with pytest.raises(llm2api.ConfigurationError) as caught:
        llm2api.Client(config=file)
    assert "mine.toml" in str(caught.value) and "line 3" in str(caught.value)
    assert CANARY not in str(caught.value)


def test_a_setting_that_does_not_exist_is_a_type_error():
    for name in ("no_such_setting", "listen", "api_path", "QUEUE_TIMEOUT", "upstream_url"):
        with pytest.raises(TypeError, match=re.escape(repr(name))):
            llm2api.Client(**{name: "x"})
    with pytest.raises(ValueError, match="max_retries"):
        llm2api.Client(upstream="demo", max_retries=-1)
    with pytest.raises(TypeError):
        llm2api.Client("http://127.0.0.1:1", "openai")


def test_every_setting_of_the_type_is_one():
    defaults = {"pool_strategy": "round-robin", "conversations": "reuse", "remote_images": "off"}
    defaults |= {"strict_parameters": False, "tool_all_in_one": False, "search_rewrite": False}
    defaults |= {"search_block": True, "search_language": "auto", "search_time_range": "day"}
    defaults |= {"search_categories": ["news"], "searxng_url": "http://127.0.0.1:9"}
    skipped = {"data_dir", "master_key", "auth_code", "auth_url", "auth_public_key"}
    for name in set(llm2api.Settings.__annotations__) - skipped:
        settings = {"searxng_url": "http://127.0.0.1:9", name: defaults.get(name, 1)}
        llm2api.Client(upstream="demo", **settings)
    assert set(defaults) <= set(llm2api.Settings.__annotations__)


def test_what_the_settings_promise_and_do_not_hold_is_a_warning():
    with pytest.warns(UserWarning, match="SEARXNG_URL") as caught:
        llm2api.Client(upstream="demo", tool_all_in_one=True)
    assert [warning.filename for warning in caught] == [__file__]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        llm2api.Client(upstream="demo")


def test_a_client_shows_no_secret(over):
    client = over(OPENAI).client(credentials=[CANARY], store="memory:")
    for shown in (repr(client), str(client), repr(vars(client)), repr(client.chat)):
        assert CANARY not in shown
