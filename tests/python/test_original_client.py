"""The code that users of the original image have goes on working, unchanged."""

import json

import pytest
import requests

from programs import CHAT_UI_V2, DEMO, EMPTY_POOL

SAID = "Hello"


def whole_chat(url: str, key: str, model: str) -> str:
    """A whole chat, as people wrote it by hand."""
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
    data = {"model": model, "messages": [{"role": "user", "content": SAID}], "stream": False}
    response = requests.post(url, headers=headers, json=data)
    response.raise_for_status()
    return response.json()["choices"][0]["message"]["content"]


def streamed_chat(url: str, key: str, model: str) -> str:
    """A streamed chat, as people wrote it by hand: every line that is not empty is a chunk."""
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
    data = {"model": model, "messages": [{"role": "user", "content": SAID}], "stream": True}
    response = requests.post(url, headers=headers, json=data, stream=True)
    response.raise_for_status()
    content = ""
    for line in response.iter_lines():
        if line:
            if line.decode("utf-8") == "data: [DONE]":
                break
            chunk = json.loads(line.decode("utf-8").split("data: ")[1])
            content += chunk["choices"][0]["delta"].get("content") or ""
    return content


def model_ids(url: str, key: str) -> list[str]:
    response = requests.get(url, headers={"Authorization": f"Bearer {key}"})
    response.raise_for_status()
    return [model["id"] for model in response.json()["data"]]


def listed_cookies(origin: str, key: str) -> list[dict]:
    """The list of cookies, as people looked at it by hand."""
    response = requests.get(f"{origin}/cookies", headers={"Authorization": f"Bearer {key}"})
    response.raise_for_status()
    return response.json()["data"]


def added_cookie(origin: str, key: str, cookie: str) -> dict:
    """A new cookie, as people added it by hand."""
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
    response = requests.post(f"{origin}/cookie/add", headers=headers, json={"cookie": cookie})
    response.raise_for_status()
    return response.json()


def test_the_whole_chat_answers(stage):
    answer = whole_chat(stage.chat_url, "anything", stage.model)
    assert "Hello" in answer


def test_the_streamed_chat_says_the_same_as_the_whole_one(stage):
    whole = whole_chat(stage.chat_url, "anything", stage.model)
    assert streamed_chat(stage.chat_url, "anything", stage.model) == whole


def test_the_model_list_names_the_model(stage):
    assert stage.model in model_ids(f"{stage.base_url}/models", "anything")


@pytest.mark.parametrize("prefix", ["", "/custom", "/a/b"])
@pytest.mark.parametrize("upstream", [CHAT_UI_V2, DEMO], ids=str)
def test_key_and_path_are_the_ones_that_were_set(play, upstream, prefix):
    stage = play(upstream, API_KEY="sk-ours", API_PATH=prefix.removeprefix("/"))
    chat = f"{stage.server.origin}{prefix}/v1/chat/completions"
    assert "Hello" in whole_chat(chat, "sk-ours", stage.model)
    assert "Hello" in streamed_chat(chat, "sk-ours", stage.model)
    assert stage.model in model_ids(f"{stage.server.origin}{prefix}/v1/models", "sk-ours")


def test_the_path_without_its_prefix_is_gone(play):
    stage = play(DEMO, API_PATH="custom")
    answer = requests.get(f"{stage.server.origin}/v1/models")
    assert answer.status_code == 404


def test_a_wrong_key_is_refused(play):
    stage = play(DEMO, API_KEY="sk-ours")
    with pytest.raises(requests.HTTPError, match="401"):
        whole_chat(stage.chat_url, "sk-theirs", stage.model)


def test_each_key_of_a_list_opens(play):
    stage = play(DEMO, API_KEY="sk-one, sk-two")
    for key in ("sk-one", "sk-two"):
        assert stage.model in model_ids(f"{stage.base_url}/models", key)


@pytest.mark.parametrize("cookie", ["hf-chat=cookie-of-bob", "cookie-of-bob"])
def test_cookies_are_listed_and_added_with_the_key_of_the_chats(play, cookie):
    stage = play(EMPTY_POOL, API_KEY="sk-ours", API_PATH="custom")
    assert listed_cookies(stage.server.origin, "sk-ours") == []
    added = added_cookie(stage.server.origin, "sk-ours", cookie)
    assert [entry["id"] for entry in listed_cookies(stage.server.origin, "sk-ours")] == [added["id"]]
    assert "Hello" in whole_chat(stage.chat_url, "sk-ours", stage.model)


def test_the_cookies_of_the_setting_are_listed(play):
    stage = play(CHAT_UI_V2, API_KEY="sk-ours")
    [entry] = listed_cookies(stage.server.origin, "sk-ours")
    assert entry["state"] == "active"
    assert "cookie-of-ann" not in json.dumps(entry)


def test_a_cookie_is_not_added_with_a_wrong_key(play):
    stage = play(EMPTY_POOL, API_KEY="sk-ours")
    with pytest.raises(requests.HTTPError, match="401"):
        added_cookie(stage.server.origin, "sk-theirs", "hf-chat=cookie-of-bob")
    assert listed_cookies(stage.server.origin, "sk-ours") == []
