"""instructor works over a chat-ui, by tools and by JSON."""

import json

import instructor
import openai
import pytest
from pydantic import BaseModel

from model import call


class Address(BaseModel):
    city: str
    zip: str


class Person(BaseModel):
    name: str
    age: int
    address: Address


ADA = {"name": "Ada", "age": 36, "address": {"city": "Bern", "zip": "3000"}}
HELLO = [{"role": "user", "content": "Who is Ada?"}]


@pytest.fixture
def client(stage):
    with openai.OpenAI(base_url=stage.base_url, api_key="any", max_retries=0) as client:
        yield client


def written(mode: instructor.Mode, tool: str = "Person") -> str:
    if mode is instructor.Mode.TOOLS:
        return call(tool, **ADA)
    return f"```json\n{json.dumps(ADA)}\n```"


@pytest.mark.parametrize(
    "mode", [instructor.Mode.TOOLS, instructor.Mode.JSON, instructor.Mode.JSON_SCHEMA]
)
def test_a_model_comes_out(stage, client, says, mode):
    says(written(mode))
    create = instructor.from_openai(client, mode=mode).chat.completions.create
    person = create(model=stage.model, messages=HELLO, response_model=Person, max_retries=0)
    assert person.model_dump() == ADA


@pytest.mark.parametrize("mode", [instructor.Mode.TOOLS, instructor.Mode.JSON])
def test_a_model_grows_while_it_is_streamed(stage, client, says, mode):
    says(written(mode, "PartialPerson"))
    create = instructor.from_openai(client, mode=mode).chat.completions.create_partial
    *_, last = create(model=stage.model, messages=HELLO, response_model=Person, max_retries=0)
    assert last.model_dump() == ADA
