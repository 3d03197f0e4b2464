"""Prints an answer while it comes: python stream_to_terminal.py "Tell me a story"

The upstream is what the environment or llm2api.toml says, else the built-in demo.
"""

import sys

import llm2api

question = sys.argv[1] if len(sys.argv) > 1 else "Hello"
client = llm2api.Client()
model = client.models()[0].id

with client.chat(question, model=model, stream=True) as answer:
    for chunk in answer:
        print(chunk.text, end="", flush=True)
print()
