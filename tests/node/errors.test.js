// Each failure reaches users of the `openai` package as the class that they catch.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import OpenAI from 'openai';

import { connect, play, script, UPSTREAMS } from './programs.js';

const hello = [{ role: 'user', content: 'Hello' }];

function ask(stage, content, fields = {}) {
  const messages = [{ role: 'user', content }];
  return connect(stage).chat.completions.create({ model: stage.model, messages, ...fields });
}

/** Fails unless `promise` is rejected with this class; returns the error. */
async function rejected(promise, kind) {
  const error = await promise.then(
    () => assert.fail('it was not rejected'),
    (reason) => reason,
  );
  assert.ok(error instanceof kind, `${error.constructor.name}: ${error.message}`);
  return error;
}

test('a wrong key is an authentication error', async (t) => {
  const stage = await play(t, 'demo', { API_KEY: 'sk-ours' });
  const client = connect(stage, { apiKey: 'sk-theirs' });
  const error = await rejected(client.models.list(), OpenAI.AuthenticationError);
  assert.equal(error.code, 'invalid_api_key');
});

test('an unknown path is not found', async (t) => {
  const stage = await play(t, 'demo');
  const client = connect(stage, { baseURL: stage.baseURL.replace('/v1', '/v7') });
  await rejected(client.models.list(), OpenAI.NotFoundError);
});

for (const name of Object.keys(UPSTREAMS)) {
  test(`${name}: an unknown model is not found`, async (t) => {
    const stage = await play(t, name);
    const error = await rejected(
      ask(stage, 'Hello', { model: 'no/such-model' }),
      OpenAI.NotFoundError,
    );
    assert.equal(error.code, 'model_not_found');
  });

  test(`${name}: a request without messages is a bad request`, async (t) => {
    const stage = await play(t, name);
    const sent = connect(stage).chat.completions.create({ model: stage.model, messages: [] });
    const error = await rejected(sent, OpenAI.BadRequestError);
    assert.equal(error.param, 'messages');
    assert.match(error.requestID, /^req_/);
  });
}

for (const name of ['chat-ui-v2', 'chat-ui-2024', 'openai']) {
  test(`${name}: a rate limit says when to come back`, async (t) => {
    const stage = await play(t, name);
    const error = await rejected(ask(stage, 'ERR429'), OpenAI.RateLimitError);
    assert.ok(Number(error.headers.get('retry-after')) >= 1);
  });

  test(`${name}: a fault of the upstream is a server error`, async (t) => {
    const stage = await play(t, name);
    await rejected(ask(stage, 'ERR500'), OpenAI.InternalServerError);
    await rejected(ask(stage, 'ERR500', { stream: true }), OpenAI.InternalServerError);
  });

  for (const word of ['MIDERR', 'MIDCUT']) {
    test(`${name}: a stream that breaks (${word}) does not end quietly`, async (t) => {
      const stage = await play(t, name);
      const stream = await ask(stage, word, { stream: true });
      let text = '';
      const read = async () => {
        for await (const chunk of stream) {
          assert.equal(chunk.choices[0].finish_reason, null);
          text += chunk.choices[0].delta.content ?? '';
        }
      };
      const error = await rejected(read(), OpenAI.APIError);
      assert.match(text, /^Hello/);
      assert.ok(error.message);
    });
  }
}

test('the package retries by itself what may be retried', async (t) => {
  const stage = await play(t, 'openai', { RETRY_MAX_ATTEMPTS: '1' });
  const error = { message: 'scripted', type: 'server_error', param: null, code: null };
  await script(stage, { json: { status: 503, body: { error } } });
  const client = connect(stage, { maxRetries: 1 });
  const completion = await client.chat.completions.create({ model: stage.model, messages: hello });
  assert.match(completion.choices[0].message.content, /Hello/);
});
