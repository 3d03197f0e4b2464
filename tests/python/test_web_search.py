"""The web search by the official package: typed citations, streams, and answers in JSON."""

import asyncio
import json

import openai
import pytest
from pydantic import BaseModel

from programs import CHAT_UI_V2, OPENAI, SIMULATED, Simulator
from wire import body, complete, stream

SEARXNG = "/searxng"
ASKED = "How large is Größe 日本?\nECHO:Größe 🙂 [1], and [2] 日本."
SAID = "Größe 🙂 [1], and [2] 日本."
MARKERS = ["[1]", "[2]"]
END = "</search>\n\n"
RESULTS = 8
# Brackets would end a link.
LABEL = str.maketrans("[]", "()")


class Area(BaseModel):
    km2: int


@pytest.fixture
def searxng(tmp_path):
    simulator = Simulator(tmp_path)
    yield simulator
    simulator.stop()


@pytest.fixture
def searching(searxng, play):
    """Starts a server that searches."""

    def start(upstream, **settings):
        return play(upstream, SEARXNG_URL=searxng.url + SEARXNG, **settings)

    return start


@pytest.fixture
def web(connect):
    """Makes a client for which every chat is searched for."""
    return lambda stage: connect(stage, base_url=f"{stage.server.origin}/web/v1")


def searches(searxng: Simulator) -> int:
    return len(searxng.snapshot()["requests"])


def messages(text: str = ASKED) -> list:
    return [{"role": "user", "content": text}]


def check(content: str, annotations: list) -> None:
    """Every citation stands where it says, and names the source of that number."""
    block, said = content.split(END)
    assert block.startswith("<search>\n") and said == SAID
    citations = [annotation.url_citation for annotation in annotations]
    places = [content[citation.start_index : citation.end_index] for citation in citations]
    assert places[RESULTS:] == MARKERS
    for number, citation in enumerate(citations[:RESULTS], start=1):
        label = citation.title.translate(LABEL)
        assert places[number - 1] == f"{number}. [{label}]({citation.url})"
        assert citation.url.startswith(f"https://site{number}.example/")
    marked = [(citation.url, citation.title) for citation in citations[RESULTS:]]
    assert marked == [(citation.url, citation.title) for citation in citations[:2]]


@pytest.mark.parametrize("upstream", SIMULATED, ids=str)
def test_citations_are_typed_and_index_the_text(searching, web, upstream):
    stage = searching(upstream)
    completion = web(stage).chat.completions.create(model=stage.model, messages=messages())
    message = completion.choices[0].message
    assert {annotation.type for annotation in message.annotations} == {"url_citation"}
    check(message.content, message.annotations)
    assert completion.llm2api_search["status"] == "completed"
    assert completion.llm2api_search["results"] == RESULTS


@pytest.mark.parametrize("upstream", SIMULATED, ids=str)
def test_answers_with_a_search_keep_to_the_schema(searching, upstream):
    stage = searching(upstream)
    url = f"{stage.server.origin}/web/v1/chat/completions"
    complete(url, body(stage.model, ASKED))
    stream(url, body(stage.model, ASKED))


def test_a_stream_brings_the_same(searching, web):
    stage = searching(OPENAI)
    create = web(stage).chat.completions.create
    chunks = list(create(model=stage.model, messages=messages(), stream=True))
    assert chunks[0].llm2api_search["results"] == RESULTS
    deltas = [choice.delta for chunk in chunks for choice in chunk.choices]
    content = "".join(delta.content or "" for delta in deltas)
    annotations = [one for delta in deltas for one in getattr(delta, "annotations", None) or []]
    whole = create(model=stage.model, messages=messages()).choices[0].message
    assert content == whole.content
    assert annotations == [one.model_dump() for one in whole.annotations]
    check(content, whole.annotations)
    assert [choice.finish_reason for choice in chunks[-1].choices] == ["stop"]


def test_the_stream_helper_puts_the_answer_together(searching, web):
    stage = searching(CHAT_UI_V2)
    completions = web(stage).chat.completions
    with completions.stream(model=stage.model, messages=messages()) as events:
        shown = "".join(event.delta for event in events if event.type == "content.delta")
        message = events.get_final_completion().choices[0].message
    whole = completions.create(model=stage.model, messages=messages()).choices[0].message
    assert shown == message.content == whole.content
    check(message.content, whole.annotations)


def test_the_helper_gathers_the_annotations_of_a_stream(searching, web):
    stage = searching(OPENAI)
    with web(stage).chat.completions.stream(model=stage.model, messages=messages()) as events:
        message = events.get_final_completion().choices[0].message
    check(message.content, message.annotations)


def test_a_chat_asks_for_a_search_by_its_options(searching, connect, searxng):
    stage = searching(OPENAI)
    create = connect(stage).chat.completions.create
    plain = create(model=stage.model, messages=messages()).choices[0].message
    assert plain.content == SAID and not plain.annotations
    assert searches(searxng) == 0
    for options, results in [({}, 8), ({"search_context_size": "low"}, 4)]:
        completion = create(
            model=stage.model, messages=messages(), web_search_options=options
        )
        assert completion.llm2api_search["results"] == results
        assert len(completion.choices[0].message.annotations) == results + len(MARKERS)
    with pytest.raises(openai.BadRequestError) as caught:
        create(model=stage.model, messages=messages(), web_search_options="yes")
    assert caught.value.param == "web_search_options"


def test_the_place_of_the_user_counts(searching, connect, searxng):
    stage = searching(OPENAI, SEARCH_RESULT_PAGES="1")
    place = {"type": "approximate", "approximate": {"country": "CH", "city": "Bern"}}
    connect(stage).chat.completions.create(
        model=stage.model,
        messages=messages("Wie groß ist die Stadt, und was ist dort der höchste Berg?"),
        web_search_options={"user_location": place},
    )
    [request] = searxng.snapshot()["requests"]
    assert "language=de-CH" in request["path"]


def test_an_asynchronous_client_gets_the_same(searching):
    stage = searching(OPENAI)

    async def run():
        base_url = f"{stage.server.origin}/web/v1"
        async with openai.AsyncOpenAI(base_url=base_url, api_key="any", max_retries=0) as client:
            return await client.chat.completions.create(model=stage.model, messages=messages())

    message = asyncio.run(run()).choices[0].message
    check(message.content, message.annotations)


@pytest.mark.parametrize("upstream", [OPENAI, CHAT_UI_V2], ids=str)
def test_an_answer_that_is_parsed_stays_json(searching, connect, upstream):
    stage = searching(upstream, TOOL_ALL_IN_ONE="true")
    asked = messages('How large is Oslo?\nECHO:{"km2": 454}')
    completions = connect(stage).chat.completions
    completion = completions.parse(model=stage.model, messages=asked, response_format=Area)
    [choice] = completion.choices
    assert choice.message.parsed == Area(km2=454)
    assert json.loads(choice.message.content) == {"km2": 454}
    assert completion.llm2api_search["results"] == RESULTS
    with completions.stream(model=stage.model, messages=asked, response_format=Area) as events:
        final = events.get_final_completion()
    assert final.choices[0].message.parsed == Area(km2=454)


def test_an_answer_goes_back_without_its_block(searching, web, connect):
    stage = searching(OPENAI)
    first = web(stage).chat.completions.create(model=stage.model, messages=messages())
    said = first.choices[0].message
    history = [*messages(), said.model_dump(exclude_none=True), *messages("And Bergen?")]
    for client in (web(stage), connect(stage)):
        client.chat.completions.create(model=stage.model, messages=history)
        sent = json.loads(stage.simulator.snapshot()["requests"][-1]["body"])
        assert sent["messages"][1]["content"] == SAID
        assert "<search>" not in json.dumps(sent)


@pytest.mark.parametrize("word, code", [("SXLIMIT", "search_limited"), ("SX500", "search_failed")])
def test_a_search_that_fails_is_no_error(searching, web, word, code):
    stage = searching(OPENAI)
    asked = messages(f"What is {word} for?\nECHO:Nobody knows.")
    answer = web(stage).chat.completions.with_raw_response.create(
        model=stage.model, messages=asked
    )
    assert answer.headers["x-llm2api-search"] == f"failed; code={code}"
    completion = answer.parse()
    assert completion.choices[0].message.content == "Nobody knows."
    assert not completion.choices[0].message.annotations
    assert completion.llm2api_search["code"] == code
