// A chat with the server, in OpenAI's words. Nothing here knows of the page but `fetch`.

import { Problem, send } from './session.js';

/** The body of a request. */
export function bodyOf({ model, system, user, stream, search, files }) {
  const parts = [
    ...(user ? [{ type: 'text', text: user }] : []),
    ...files.map(({ name, type, url }) =>
      type.startsWith('image/')
        ? { type: 'image_url', image_url: { url } }
        : { type: 'file', file: { filename: name, file_data: url } },
    ),
  ];
  const content = files.length === 0 ? user : parts;
  const messages = [
    ...(system ? [{ role: 'system', content: system }] : []),
    { role: 'user', content },
  ];
  const body = { model, messages };
  if (stream) Object.assign(body, { stream: true, stream_options: { include_usage: true } });
  if (search) body.web_search_options = {};
  return body;
}

/** The data of each event of a stream of text. */
export async function* events(chunks) {
  let rest = '';
  for await (const chunk of chunks) {
    rest += chunk;
    const lines = rest.split(/\r\n|\n/);
    rest = lines.pop();
    for (const line of lines) {
      if (line.startsWith('data:')) yield line.slice(5).trim();
    }
  }
}

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
