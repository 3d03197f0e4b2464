"""Tools, schemas and limits over a chat-ui, which takes text and gives text, by the official package."""

import json

import openai
import pytest
from pydantic import BaseModel

from programs import CHAT_UI_2024, CHAT_UI_V2

HELLO = [{"role": "user", "content": "How warm is it in Bern?"}]
CITY = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Tells how warm it is.",
        "parameters": CITY,
        "strict": True,
    },
}


class Person(BaseModel):
    name: str
    age: int


@pytest.fixture(params=(CHAT_UI_V2, CHAT_UI_2024), ids=str)
def stage(request, play):
    return play(request.param)


@pytest.fixture
def client(stage, connect):
    return connect(stage)


@pytest.fixture
def says(stage):
    """Queues what the model says the next times it is asked."""

    def queue(*answers: str) -> None:
        for answer in answers:
            stage.simulator.script({"answer": answer})

    return queue


def call(tool: str = "weather", /, **arguments) -> str:
    written = json.dumps({"name": tool, "arguments": arguments}, ensure_ascii=False)
    return f"<tool_call>\n{written}\n</tool_call>"


def test_a_call_and_its_round_trip(stage, client, says):
    says("I look. " + call(city="Bern"), "18 degrees.")
    ask = {"model": stage.model, "tools": [WEATHER]}
    first = client.chat.completions.create(messages=HELLO, **ask)
    [choice] = first.choices
    [made] = choice.message.tool_calls
    assert choice.finish_reason == "tool_calls"
    assert (made.type, made.function.name) == ("function", "weather")
    assert json.loads(made.function.arguments) == {"city": "Bern"}
    result = {"role": "tool", "tool_call_id": made.id, "content": "18 C"}
    messages = [*HELLO, choice.message.model_dump(exclude_none=True), result]
    second = client.chat.completions.create(messages=messages, **ask)
    assert second.choices[0].message.content == "18 degrees."
    assert second.choices[0].finish_reason == "stop"


def test_the_stream_helper_puts_calls_together(stage, client, says):
    says("Wait. " + call(city="Bern") + "\n" + call(city="Zürich 🙂"))
    with client.chat.completions.stream(
        model=stage.model, messages=HELLO, tools=[WEATHER]
    ) as stream:
        events = list(stream)
        final = stream.get_final_completion()
    done = [event for event in events if event.type == "tool_calls.function.arguments.done"]
    assert [event.parsed_arguments for event in done] == [{"city": "Bern"}, {"city": "Zürich 🙂"}]
    assert [event.index for event in done] == [0, 1]
    ids = [made.id for made in final.choices[0].message.tool_calls]
    assert len(set(ids)) == 2 and all(ids)
    shown = "".join(event.delta for event in events if event.type == "content.delta")
    assert shown.strip() == "Wait." and "<" not in shown


def test_parse_gives_a_model_whole_and_streamed(stage, client, says):
    says('Sure:\n```json\n{"name": "Ada", "age": 36}\n```', '{"name": "Bob", "age": 7}')
    whole = client.chat.completions.parse(
        model=stage.model, messages=HELLO, response_format=Person
    )
    assert whole.choices[0].message.parsed == Person(name="Ada", age=36)
    with client.chat.completions.stream(
        model=stage.model, messages=HELLO, response_format=Person
    ) as stream:
        streamed = stream.get_final_completion()
    assert streamed.choices[0].message.parsed == Person(name="Bob", age=7)


def test_parse_gives_parsed_arguments_of_tools(stage, client, says):
    says(call("Person", name="Ada", age=36))
    tools = [openai.pydantic_function_tool(Person)]
    answer = client.chat.completions.parse(model=stage.model, messages=HELLO, tools=tools)
    [made] = answer.choices[0].message.tool_calls
    assert made.function.parsed_arguments == Person(name="Ada", age=36)


def test_what_does_not_fit_is_asked_for_once_more(stage, client, says):
    says('{"name": "Ada"}', '{"name": "Ada", "age": 36}')
    answer = client.chat.completions.parse(
        model=stage.model, messages=HELLO, response_format=Person
    )
    assert answer.choices[0].message.parsed == Person(name="Ada", age=36)
    assert stage.simulator.snapshot()["generations"] == 2


def test_what_never_fits_is_a_typed_error(stage, client, says):
    says("no", "still no", "not asked")
    with pytest.raises(openai.APIStatusError) as refused:
        client.chat.completions.parse(model=stage.model, messages=HELLO, response_format=Person)
    assert refused.value.status_code == 502
    assert refused.value.code == "invalid_json_answer"


def test_a_forced_call_is_made(stage, client, says):
    says("It is warm.", call(city="Bern"))
    choice = {"type": "function", "function": {"name": "weather"}}
    answer = client.chat.completions.create(
        model=stage.model, messages=HELLO, tools=[WEATHER], tool_choice=choice
    )
    assert answer.choices[0].message.tool_calls[0].function.name == "weather"


@pytest.mark.parametrize("streamed", (False, True), ids=("whole", "streamed"))
def test_stop_ends_the_answer_and_the_upstreams_run(stage, client, streamed):
    fields = {"model": stage.model, "messages": [{"role": "user", "content": "ECHO:one END two"}]}
    if streamed:
        chunks = list(client.chat.completions.create(**fields, stop=["END"], stream=True))
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
        reason = chunks[-1].choices[0].finish_reason
    else:
        [choice] = client.chat.completions.create(**fields, stop="END").choices
        text, reason = choice.message.content, choice.finish_reason
    assert (text, reason) == ("one ", "stop")
    stage.simulator.wait_for(lambda snapshot: not snapshot["running"])


def test_a_limit_of_tokens_says_length_and_stops_the_run(stage, client):
    fields = {"model": stage.model, "messages": [{"role": "user", "content": "LONGRUN SLOW"}]}
    answer = client.chat.completions.create(**fields, max_completion_tokens=5)
    assert answer.choices[0].finish_reason == "length"
    assert 0 < answer.usage.completion_tokens <= 5
    if stage.upstream is CHAT_UI_V2:
        stage.simulator.wait_for(lambda snapshot: len(snapshot["stop_calls"]) == 1)
        stage.simulator.wait_for(lambda snapshot: not snapshot["running"])


def test_a_tool_that_is_none_is_refused_with_its_place(stage, client):
    broken = {"type": "function", "function": {"name": "no spaces", "parameters": {}}}
    with pytest.raises(openai.BadRequestError) as refused:
        client.chat.completions.create(model=stage.model, messages=HELLO, tools=[broken])
    assert refused.value.param.startswith("tools[0]")
