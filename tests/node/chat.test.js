// The official `openai` package works against every kind of upstream.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { connect, play, UPSTREAMS } from './programs.js';

const hello = [{ role: 'user', content: 'Hello' }];
const usage = { include_usage: true };

async function collect(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

function said(chunks) {
  return chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('');
}

for (const name of Object.keys(UPSTREAMS)) {
  test(`${name}: a chat is a completion`, async (t) => {
    const stage = await play(t, name);
    const client = connect(stage);
    const completion = await client.chat.completions.create({ model: stage.model, messages: hello });
    assert.equal(completion.object, 'chat.completion');
    assert.equal(completion.choices.length, 1);
    assert.equal(completion.choices[0].finish_reason, 'stop');
    assert.equal(completion.choices[0].message.role, 'assistant');
    assert.match(completion.choices[0].message.content, /Hello/);
    assert.ok(completion.usage.total_tokens > 0);
  });

  test(`${name}: a stream says the same as the whole answer`, async (t) => {
    const stage = await play(t, name);
    const { completions } = connect(stage).chat;
    const request = { model: stage.model, messages: hello };
    const whole = await completions.create(request);
    const stream = await completions.create({ ...request, stream: true, stream_options: usage });
    const chunks = await collect(stream);
    assert.equal(said(chunks), whole.choices[0].message.content);
    assert.equal(new Set(chunks.map((chunk) => chunk.id)).size, 1);
    assert.ok(chunks.every((chunk) => chunk.object === 'chat.completion.chunk'));
    const last = chunks.pop();
    assert.deepEqual(last.choices, []);
    assert.ok(last.usage.total_tokens > 0);
    assert.equal(chunks.at(-1).choices[0].finish_reason, 'stop');
    assert.ok(chunks.length > 2);
  });

  test(`${name}: the package's own stream helper puts the answer together`, async (t) => {
    const stage = await play(t, name);
    const runner = connect(stage).chat.completions.stream({ model: stage.model, messages: hello });
    assert.match(await runner.finalContent(), /Hello/);
  });

  test(`${name}: models are listed and found by id`, async (t) => {
    const stage = await play(t, name);
    const client = connect(stage);
    const ids = (await client.models.list()).data.map((model) => model.id);
    assert.ok(ids.includes(stage.model), ids);
    assert.equal((await client.models.retrieve(stage.model)).id, stage.model);
  });

  test(`${name}: the raw response shows its headers`, async (t) => {
    const stage = await play(t, name);
    const request = { model: stage.model, messages: hello };
    const sent = connect(stage).chat.completions.create(request);
    const { data, response, request_id: id } = await sent.withResponse();
    assert.equal(response.status, 200);
    assert.match(id, /^req_/);
    assert.match(data.choices[0].message.content, /Hello/);
  });

  test(`${name}: a stream that is aborted ends without an error`, async (t) => {
    const stage = await play(t, name);
    const content = name === 'demo' ? 'Hello' : 'SLOW LONGRUN';
    const messages = [{ role: 'user', content }];
    const { completions } = connect(stage).chat;
    const stream = await completions.create({ model: stage.model, messages, stream: true });
    for await (const chunk of stream) {
      if (said([chunk])) stream.controller.abort();
    }
    const again = await completions.create({ model: stage.model, messages: hello });
    assert.match(again.choices[0].message.content, /Hello/);
  });
}

for (const name of ['chat-ui-v2', 'chat-ui-2024', 'openai']) {
  test(`${name}: text of any script comes back as it went`, async (t) => {
    const stage = await play(t, name);
    const { completions } = connect(stage).chat;
    for (const text of ['日本語 한국어', '🙂 👩‍👩‍👧‍👦 🇨🇭!', '"quoted" \\n \'single\'', 'e\u0301 Größe']) {
      const messages = [{ role: 'user', content: `ECHO:${text}` }];
      const whole = await completions.create({ model: stage.model, messages });
      assert.equal(whole.choices[0].message.content, text);
      const stream = await completions.create({ model: stage.model, messages, stream: true });
      assert.equal(said(await collect(stream)), text);
    }
  });
}
