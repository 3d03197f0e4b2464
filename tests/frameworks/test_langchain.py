"""LangChain works over a chat-ui, which knows neither tools nor schemas."""

import json

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from pydantic import BaseModel

from model import call


@tool
def weather(city: str) -> str:
    """Tells the weather of a city."""
    return f"18 degrees in {city}"


@tool
def add(a: int, b: int) -> int:
    """Adds two numbers."""
    return a + b


class Person(BaseModel):
    """A person."""

    name: str
    age: int


@pytest.fixture
def chat(stage) -> ChatOpenAI:
    return ChatOpenAI(model=stage.model, base_url=stage.base_url, api_key="any", max_retries=0)


def test_a_chat_and_a_stream(chat, says):
    says("Hello Ada.", "Hello again.")
    assert chat.invoke([SystemMessage("Be brief."), HumanMessage("Hi")]).content == "Hello Ada."
    assert "".join(chunk.content for chunk in chat.stream("Hi")) == "Hello again."


def test_an_agent_calls_its_tools_and_hears_of_them(chat, says, heard):
    says("I look. " + call("weather", city="Bern") + call("add", a=2, b=3), "It is warm: 18.")
    agent = chat.bind_tools([weather, add])
    asked = [HumanMessage("How warm is it in Bern, and what is 2 and 3?")]
    answer = agent.invoke(asked)
    assert [(one["name"], one["args"]) for one in answer.tool_calls] == [
        ("weather", {"city": "Bern"}),
        ("add", {"a": 2, "b": 3}),
    ]
    assert answer.content.strip() == "I look."
    tools = {"weather": weather, "add": add}
    results = [tools[one["name"]].invoke(one) for one in answer.tool_calls]
    assert all(isinstance(result, ToolMessage) for result in results)
    last = agent.invoke([*asked, answer, *results])
    assert isinstance(last, AIMessage) and last.content == "It is warm: 18." and not last.tool_calls
    assert "18 degrees in Bern" in heard() and "Tells the weather of a city." in heard()


def test_a_streamed_call_is_put_together(chat, says):
    says(call("weather", city="Zürich 🙂"))
    whole = None
    for chunk in chat.bind_tools([weather]).stream("And in Zürich?"):
        whole = chunk if whole is None else whole + chunk
    [found] = whole.tool_calls
    assert (found["name"], found["args"]) == ("weather", {"city": "Zürich 🙂"})


@pytest.mark.parametrize("method", ["function_calling", "json_schema", "json_mode"])
def test_structured_output_by_each_method(chat, says, method):
    ada = {"name": "Ada", "age": 36}
    told = call("Person", **ada) if method == "function_calling" else f"Here: {json.dumps(ada)}"
    says(told)
    structured = chat.with_structured_output(Person, method=method)
    assert structured.invoke("Who? Answer as JSON.") == Person(**ada)


def test_arguments_that_do_not_fit_are_asked_for_again(chat, says, stage):
    says(call("add", a="two", b=3), call("add", a=2, b=3))
    [found] = chat.bind_tools([add], tool_choice="any").invoke("2 and 3?").tool_calls
    assert found["args"] == {"a": 2, "b": 3}
    assert stage.simulator.snapshot()["generations"] == 2
