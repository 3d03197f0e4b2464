"""A program that was written for the openai package: only the import has changed."""

from llm2api import Client as OpenAI

client = OpenAI()
model = client.models()[0].id

completion = client.chat.completions.create(
    model=model,
    messages=[
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hello"},
    ],
)
print(completion.choices[0].message.content)

for chunk in client.chat.completions.create(
    model=model, messages=[{"role": "user", "content": "And again"}], stream=True
):
    for choice in chunk.choices:
        print(choice.delta.content or "", end="")
print()
