// Asking the server, and hearing its answer as it comes.

import { events } from './chat.js';
import { Problem, send } from './session.js';

async function* texts(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    reader.releaseLock();
  }
}

/**
 * Asks, and tells `hear` what comes: `{ id, search }` of the request, the latter the code of a search
 * that has failed, then pieces `{ text, thought, usage, sources }`.
 * Throws where the answer is an error, or breaks off.
 */
export async function ask(body, signal, hear) {
  const heard = ({ headers }) => {
    const [, search] = /^failed; code=(.+)$/.exec(headers.get('x-llm2api-search')) ?? [];
    hear({ id: headers.get('x-request-id'), search });
  };
  const answer = await send('POST', '/try/chat/completions', body, signal, heard);
  if (!body.stream) {
    const json = await answer.json();
    hear({ ...piece(json.choices?.[0]?.message), usage: json.usage });
    return;
  }
  for await (const data of events(texts(answer.body))) {
    if (data === '[DONE]') return;
    const json = JSON.parse(data);
    if (json.error) throw new Problem(answer.status, json.error.message, json.error.code);
    hear({ ...piece(json.choices?.[0]?.delta), usage: json.usage });
  }
  throw new Problem(0, 'the stream has no end');
}

function piece(message) {
  const sources = (message?.annotations ?? []).map(({ url_citation: cited }) => cited);
  return {
    text: message?.content ?? '',
    thought: message?.reasoning_content ?? '',
    sources: sources.filter(Boolean),
  };
}
