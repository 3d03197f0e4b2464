"""A client in this process searches the web as the server does."""

import json

import pytest
from pydantic import BaseModel

import llm2api

from in_process import text_of
from programs import CHAT_UI_V2, OPENAI, SIMULATED
from test_web_search import ASKED, END, MARKERS, RESULTS, SAID, SEARXNG, check, searches

PLAIN = "How large is Oslo?"


class Area(BaseModel):
    km2: int


@pytest.fixture
def searxng(over):
    return over(OPENAI).simulator


@pytest.fixture
def searching(searxng, over_by_door):
    """Makes a client that can search, and its scene."""

    def start(upstream, **settings):
        scene = over_by_door(upstream)
        return scene, scene.client(searxng_url=searxng.url + SEARXNG, **settings)

    return start


@pytest.mark.parametrize("upstream", SIMULATED, ids=str)
def test_with_all_in_one_every_chat_is_searched_for(searching, upstream):
    scene, client = searching(upstream, tool_all_in_one=True)
    answer = client.chat(ASKED, model=scene.model)
    message = answer.choices[0].message
    assert {annotation.type for annotation in message.annotations} == {"url_citation"}
    check(message.content, message.annotations)
    assert answer.text == message.content
    assert (answer.llm2api_search.status, answer.llm2api_search.results) == ("completed", RESULTS)


def test_a_stream_brings_the_same(searching):
    scene, client = searching(OPENAI, tool_all_in_one=True)
    chunks = list(client.chat(ASKED, model=scene.model, stream=True))
    assert chunks[0].llm2api_search.results == RESULTS
    deltas = [choice.delta.model_dump() for chunk in chunks for choice in chunk.choices]
    annotations = [one for delta in deltas for one in delta.get("annotations") or []]
    whole = client.chat(ASKED, model=scene.model).choices[0].message
    assert "".join(chunk.text for chunk in chunks) == whole.content
    assert annotations == [one.model_dump() for one in whole.annotations]


def test_a_chat_asks_for_a_search_by_its_options(searching, searxng):
    scene, client = searching(OPENAI)
    plain = client.chat(ASKED, model=scene.model)
    assert plain.text == SAID and plain.choices[0].message.annotations is None
    assert searches(searxng) == 0
    for options, results in [({}, RESULTS), ({"search_context_size": "low"}, RESULTS // 2)]:
        answer = client.chat(ASKED, model=scene.model, web_search_options=options)
        assert answer.llm2api_search.results == results
        assert len(answer.choices[0].message.annotations) == results + len(MARKERS)
    with pytest.raises(llm2api.BadRequestError) as caught:
        client.chat(ASKED, model=scene.model, web_search_options="yes")
    assert caught.value.param == "web_search_options"


def test_without_a_searxng_the_options_are_not_supported(over_by_door):
    scene = over_by_door(CHAT_UI_V2)
    with pytest.raises(llm2api.BadRequestError) as caught:
        scene.client().chat(PLAIN, model=scene.model, web_search_options={})
    assert caught.value.code == "unsupported_parameter"


def test_a_block_can_be_left_out(searching):
    scene, client = searching(OPENAI, tool_all_in_one=True, search_block=False)
    message = client.chat(ASKED, model=scene.model).choices[0].message
    assert message.content == SAID
    places = [annotation.url_citation for annotation in message.annotations]
    assert len(places) == RESULTS
    assert [SAID[one.start_index : one.end_index] for one in places[: len(MARKERS)]] == MARKERS


def test_the_settings_of_a_search_count(searching, searxng):
    settings = {"search_result_pages": 1, "search_categories": ["news", "science"]}
    scene, client = searching(OPENAI, tool_all_in_one=True, search_language="de", **settings)
    client.chat(ASKED, model=scene.model)
    [request] = searxng.snapshot()["requests"]
    assert "language=de" in request["path"] and "categories=news%2Cscience" in request["path"]


def test_an_answer_in_json_stays_json(searching):
    scene, client = searching(CHAT_UI_V2, tool_all_in_one=True)
    schema = {"name": "Area", "schema": Area.model_json_schema(), "strict": True}
    form = {"type": "json_schema", "json_schema": schema}
    ask = {"model": scene.model, "response_format": form}
    answer = client.chat(f'{PLAIN}\nECHO:{{"km2": 454}}', **ask)
    assert json.loads(answer.text) == {"km2": 454}
    assert answer.llm2api_search.results == RESULTS
    assert text_of(client.chat(f'{PLAIN}\nECHO:{{"km2": 454}}', **ask, stream=True)) == answer.text


def test_an_answer_goes_back_without_its_block(searching):
    scene, client = searching(OPENAI, tool_all_in_one=True)
    said = client.chat(ASKED, model=scene.model).choices[0].message
    assert said.content.split(END)[1] == SAID
    history = [{"role": "user", "content": ASKED}, said, {"role": "user", "content": "And Bergen?"}]
    client.chat(history, model=scene.model)
    sent = scene.sent()[-1]["messages"]
    assert "<search>" not in json.dumps(sent)
    assert SAID in json.dumps(sent, ensure_ascii=False)


@pytest.mark.parametrize("word, code", [("SXLIMIT", "search_limited"), ("SX500", "search_failed")])
def test_a_search_that_fails_is_no_error(searching, word, code):
    scene, client = searching(OPENAI, tool_all_in_one=True)
    answer = client.chat(f"What is {word} for?\nECHO:Nobody knows.", model=scene.model)
    assert answer.text == "Nobody knows."
    assert (answer.llm2api_search.status, answer.llm2api_search.code) == ("failed", code)
