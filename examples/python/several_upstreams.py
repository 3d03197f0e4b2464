"""Puts several upstreams behind one client; an alias names a model that each of them has."""

import llm2api

client = llm2api.Client(
    config={
        "upstream": [
            {"name": "first", "kind": "demo"},
            {"name": "second", "kind": "demo"},
        ],
        "model": [{"name": "any", "serve": ["first/demo", "second/demo"]}],
        "pool": {"weak_errors": 3},
    }
)
print([model.id for model in client.models()])
print(client.chat("Hello", model="any").text)
