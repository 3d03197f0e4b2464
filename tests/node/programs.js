// The server and the simulator as processes, each on a port of its own.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import OpenAI from 'openai';

const DEADLINE = 30_000;
// A server goes on letting clients in for a second, or for as long as this where that is less.
const SHUTDOWN_GRACE = '100ms';
const LLAMA = 'meta-llama/Meta-Llama-3.1-70B-Instruct';
const ACCOUNT = ['--login', '--session', 'cookie-of-ann=ann'];
const CHAT_UI = { UPSTREAM_KIND: 'chat-ui', COOKIES: 'hf-chat=cookie-of-ann' };
const KEY = 'sk-upstream';

/** The kinds of upstream, and how both programs are set up for each. */
export const UPSTREAMS = {
  demo: { model: 'demo', settings: {} },
  'chat-ui-v2': { model: LLAMA, settings: CHAT_UI, simulator: ['--family', 'v2', ...ACCOUNT] },
  'chat-ui-2024': { model: LLAMA, settings: CHAT_UI, simulator: ['--family', '2024', ...ACCOUNT] },
  openai: {
    model: LLAMA,
    settings: { UPSTREAM_KIND: 'openai', COOKIES: KEY },
    simulator: ['--api-key', KEY],
    path: '/v1',
  },
};

/** An upstream with a login, none of whose sessions the server knows: two of Ann's, one of others'. */
export const EMPTY_POOL = {
  model: LLAMA,
  settings: { UPSTREAM_KIND: 'chat-ui' },
  simulator: [
    ...['--family', 'v2', ...ACCOUNT, '--session', 'second-cookie-of-ann=ann'],
    ...['bob', 'cid', 'dan', 'eve'].flatMap((user) => ['--session', `cookie-of-${user}=${user}`]),
  ],
};

function built(name) {
  const path = process.env[name];
  if (!path) throw new Error(`${name} is not set: run the tests with \`./tests/run node\``);
  return path;
}

/** Starts a program and waits for the line of stdout that starts with `prefix`. */
async function start(path, args, settings, directory, prefix) {
  const env = { PATH: process.env.PATH, ...settings };
  const child = spawn(path, args, { cwd: directory, env, stdio: ['pipe', 'pipe', 'pipe'] });
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text) => (log += text));
  const ended = once(child, 'close');
  const found = new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no line \`${prefix}\`: ${log}`)), DEADLINE);
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (!line.startsWith(prefix)) return;
      clearTimeout(timer);
      resolve(line.slice(prefix.length).trim());
    });
    ended.then(() => reject(new Error(`${path} ended: ${log}`)), reject);
  });
  const stop = async () => {
    child.kill('SIGTERM');
    const [code, signal] = await ended;
    if (code !== 0) throw new Error(`${path} ended with ${code ?? signal}: ${log}`);
    if (log.includes('panicked at')) throw new Error(log);
  };
  const leave = async () => {
    child.stdin.end();
    await ended;
    if (log.includes('panicked at')) throw new Error(log);
  };
  return { said: await found, stop, leave };
}

/** A server in front of an upstream or one of that name; both stop when the test `t` is over. */
export async function play(t, name, settings = {}) {
  const upstream = UPSTREAMS[name] ?? name;
  const directory = await mkdtemp(join(tmpdir(), 'llm2api-'));
  const ends = [() => rm(directory, { recursive: true })];
  t.after(async () => {
    while (ends.length > 0) await ends.pop()();
  });
  const environment = { LISTEN: '127.0.0.1:0', SHUTDOWN_GRACE, ...upstream.settings };
  let simulator;
  if (upstream.simulator) {
    const args = ['--exit-with-stdin', ...upstream.simulator];
    const program = await start(built('LLM2API_SIM'), args, {}, directory, 'LISTENING ');
    ends.push(program.leave);
    simulator = program.said;
    environment.UPSTREAM_URL = simulator + (upstream.path ?? '');
    if (upstream.searches) environment.SEARXNG_URL = `${simulator}/searxng`;
  }
  Object.assign(environment, settings);
  if (upstream.file) await writeFile(join(directory, 'llm2api.toml'), upstream.file);
  const path = built('LLM2API_SERVER');
  const begin = () => start(path, [], environment, directory, 'OPENAI_BASE_URL=');
  let server = await begin();
  ends.push(() => server.stop());
  const restart = async () => {
    await server.stop();
    // Whoever knew it finds it where it was.
    environment.LISTEN = new URL(server.said).host;
    server = await begin();
  };
  return { baseURL: server.said, model: upstream.model, simulator, restart };
}

/** An authority with this admin key, which stops when the test `t` is over; answers with its origin. */
export async function playAuthority(t, key) {
  const directory = await mkdtemp(join(tmpdir(), 'llm2api-'));
  const settings = {
    LISTEN: '127.0.0.1:0',
    SHUTDOWN_GRACE,
    STORE_URL: 'memory:',
    ADMIN_KEY: key,
  };
  const path = built('LLM2API_SERVER');
  const program = await start(path, ['authority'], settings, directory, 'AUTH_URL=');
  t.after(async () => {
    await program.stop();
    await rm(directory, { recursive: true });
  });
  return new URL(program.said).origin;
}

/** A client of the official package that does not retry. */
export function connect(stage, settings = {}) {
  return new OpenAI({ baseURL: stage.baseURL, apiKey: 'any', maxRetries: 0, ...settings });
}

/** Queues what the simulator does with the next chat. */
export async function script(stage, ...steps) {
  const body = JSON.stringify({ steps });
  const answer = await fetch(`${stage.simulator}/__sim/script`, { method: 'POST', body });
  if (!answer.ok) throw new Error(await answer.text());
}

/** What the simulator has received. */
export async function received(stage) {
  const answer = await fetch(`${stage.simulator}/__sim/log`);
  if (!answer.ok) throw new Error(await answer.text());
  return (await answer.json()).requests;
}
