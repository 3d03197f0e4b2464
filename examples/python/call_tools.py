"""Lets the model call a function, and answers with what the function returned."""

import json

import llm2api


def weather(city: str) -> str:
    return f"It rains in {city}."


TOOL = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Says what the weather is like.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}

client = llm2api.Client()
model = client.models()[0].id
conversation: list[llm2api.MessageParam] = [{"role": "user", "content": "Weather in Oslo?"}]

answer = client.chat(conversation, model=model, tools=[TOOL])
message = answer.choices[0].message
conversation.append(message)
for call in message.tool_calls or []:
    result = weather(**json.loads(call.function.arguments))
    conversation.append({"role": "tool", "tool_call_id": call.id, "content": result})

print(client.chat(conversation, model=model, tools=[TOOL]).text)
