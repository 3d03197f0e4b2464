// A chat in OpenAI's words. Nothing here knows of the page.

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
