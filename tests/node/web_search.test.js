// The official `openai` package reads answers that were searched for.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { connect, play, UPSTREAMS } from './programs.js';

const question = 'How large is Oslo?\nECHO:It is large [1], and old [2].';
const messages = [{ role: 'user', content: question }];

/** A client whose chats are all searched for, at a server of its own. */
async function searching(t, settings) {
  const stage = await play(t, { ...UPSTREAMS.openai, searches: true }, settings);
  const baseURL = stage.baseURL.replace(/v1$/, 'web/v1');
  return { model: stage.model, completions: connect({ ...stage, baseURL }).chat.completions };
}

/** What stands where the annotations say. */
function places(message) {
  const characters = [...message.content];
  return message.annotations.map(({ url_citation: cited }) =>
    characters.slice(cited.start_index, cited.end_index).join(''),
  );
}

for (const SEARCH_BLOCK of ['true', 'false']) {
  test(`SEARCH_BLOCK=${SEARCH_BLOCK}: the stream helper gives what the whole answer has`, async (t) => {
    const { model, completions } = await searching(t, { SEARCH_BLOCK });
    const request = { model, messages };
    const whole = (await completions.create(request)).choices[0].message;
    const streamed = await completions.stream(request).finalMessage();
    assert.equal(streamed.role, 'assistant');
    assert.equal(streamed.content, whole.content);
    assert.deepEqual(streamed.annotations, whole.annotations);
    assert.equal(whole.content.startsWith('<search>'), SEARCH_BLOCK === 'true');
    assert.deepEqual(places(whole).filter((place) => /^\[\d\]$/.test(place)), ['[1]', '[2]']);
  });
}
