// The Vercel AI SDK works over a chat-ui, which knows neither tools nor schemas.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { generateObject, generateText, stepCountIs, streamText, tool } from 'ai';
import { z } from 'zod';

import { play, script } from './programs.js';

const tools = {
  weather: tool({
    description: 'Tells how warm it is.',
    inputSchema: z.object({ city: z.string() }),
    execute: async ({ city }) => `18 degrees in ${city}`,
  }),
};

const call = (name, args) =>
  `<tool_call>\n${JSON.stringify({ name, arguments: args })}\n</tool_call>`;

/** A model of the SDK that gives these answers, one a time. */
async function modelThatSays(t, ...answers) {
  const stage = await play(t, 'chat-ui-v2');
  for (const answer of answers) await script(stage, { answer });
  const { baseURL } = stage;
  const settings = { name: 'llm2api', baseURL, apiKey: 'any', supportsStructuredOutputs: true };
  return createOpenAICompatible(settings)(stage.model);
}

test('ai sdk: a tool is run and the model told of it', async (t) => {
  const model = await modelThatSays(t, `I look. ${call('weather', { city: 'Bern' })}`, 'Warm.');
  const stopWhen = stepCountIs(3);
  const answer = await generateText({ model, tools, stopWhen, prompt: 'Bern?', maxRetries: 0 });
  assert.equal(answer.text, 'Warm.');
  assert.equal(answer.steps.length, 2);
  assert.equal(answer.steps[0].toolResults[0].output, '18 degrees in Bern');
});

test('ai sdk: a streamed call is put together', async (t) => {
  const model = await modelThatSays(t, `Wait. ${call('weather', { city: 'Zürich 🙂' })}`, 'Done.');
  const stopWhen = stepCountIs(3);
  const answer = streamText({ model, tools, stopWhen, prompt: 'Zürich?', maxRetries: 0 });
  const parts = [];
  for await (const part of answer.fullStream) parts.push(part);
  const calls = parts.filter(({ type }) => type === 'tool-call');
  assert.deepEqual(calls.map(({ input }) => input), [{ city: 'Zürich 🙂' }]);
  const texts = parts.filter(({ type }) => type === 'text-delta').map(({ text }) => text);
  assert.match(texts.join(''), /^Wait\.\s*Done\.$/);
});

test('ai sdk: an object of a schema comes out, if need be at the second try', async (t) => {
  const whole = '{"name": "Ada", "age": 36}';
  const model = await modelThatSays(t, 'Here:\n```json\n{"name": "Ada"}\n```', whole);
  const schema = z.object({ name: z.string(), age: z.number().int() });
  const { object } = await generateObject({ model, schema, prompt: 'Who?', maxRetries: 0 });
  assert.deepEqual(object, { name: 'Ada', age: 36 });
});
