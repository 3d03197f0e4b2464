"""Asks many questions at once with asyncio; the pool spreads them over its accounts."""

import asyncio

import llm2api

QUESTIONS = [f"What is {number} squared?" for number in range(20)]


async def main() -> None:
    async with llm2api.AsyncClient() as client:
        model = (await client.models())[0].id
        calls = [client.chat(question, model=model) for question in QUESTIONS]
        for question, answer in zip(QUESTIONS, await asyncio.gather(*calls)):
            print(question, "->", answer.text)


asyncio.run(main())
