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
 * Asks, and tells `hear` what comes: `{ id }` of the request, then pieces `{ text, thought, usage }`.
 * Throws where the answer is an error, or breaks off.
 */
export async function ask(body, signal, hear) {
  const heard = (answer) => hear({ id: answer.headers.get('x-request-id') });
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
  return { text: message?.content ?? '', thought: message?.reasoning_content ?? '' };
}
