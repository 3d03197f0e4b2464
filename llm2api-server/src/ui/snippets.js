// The same request as a program, with a placeholder for the key.

const KEY = 'YOUR_API_KEY';

/** In which languages there are programs. */
export const LANGUAGES = ['curl', 'python', 'rust'];

/** The program in that language; `base` is the address that SDKs are given, `body` the request. */
export function snippet(language, base, body) {
  return { curl, python, rust }[language](base, shortened(body));
}

// A picture would make the program unreadable: its data are for whoever copies to put in.
function shortened(body) {
  const text = JSON.stringify(body, (name, value) => {
    const isData = typeof value === 'string' && value.startsWith('data:') && value.length > 200;
    return isData ? `${value.slice(0, value.indexOf(',') + 1)}BASE64` : value;
  });
  return JSON.parse(text);
}

function curl(base, body) {
  const json = JSON.stringify(body, null, 2).replaceAll("'", "'\\''");
  const options = body.stream ? '-N ' : '';
  return `curl ${options}${base}/chat/completions \\
  -H 'Authorization: Bearer ${KEY}' \\
  -H 'Content-Type: application/json' \\
  -d '${json}'
`;
}

/** JSON as Python writes it. */
function literal(value, indent = '') {
  if (value === null) return 'None';
  if (value === true) return 'True';
  if (value === false) return 'False';
  if (typeof value !== 'object') return JSON.stringify(value);
  const inner = `${indent}    `;
  const isList = Array.isArray(value);
  const parts = isList
    ? value.map((one) => literal(one, inner))
    : Object.entries(value).map(([name, one]) => `${JSON.stringify(name)}: ${literal(one, inner)}`);
  if (parts.length === 0) return isList ? '[]' : '{}';
  const lines = parts.map((part) => `${inner}${part},\n`).join('');
  return isList ? `[\n${lines}${indent}]` : `{\n${lines}${indent}}`;
}

function python(base, body) {
  const fields = Object.entries(body).map(([name, value]) => `    ${name}=${literal(value, '    ')},\n`);
  const print = body.stream
    ? `for chunk in answer:
    for choice in chunk.choices:
        print(choice.delta.content or "", end="", flush=True)
print()
`
    : 'print(answer.choices[0].message.content)\n';
  return `# pip install openai
from openai import OpenAI

client = OpenAI(base_url=${JSON.stringify(base)}, api_key="${KEY}")
answer = client.chat.completions.create(
${fields.join('')})
${print}`;
}

/** A raw string of Rust's, with as many marks as its text needs. */
function raw(text) {
  const longest = Math.max(0, ...[...text.matchAll(/"(#*)/g)].map(([, marks]) => marks.length + 1));
  const marks = '#'.repeat(longest);
  return `r${marks}"${text}"${marks}`;
}

function rust(base, body) {
  const json = JSON.stringify(body, null, 2);
  const print = body.stream
    ? `    // Each event is a line \`data: …\`; the last one is \`data: [DONE]\`.
    let mut rest = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        rest.extend_from_slice(&chunk);
        // A chunk may end anywhere, in the middle of a character too.
        while let Some(end) = rest.iter().position(|byte| *byte == b'\\n') {
            let line: Vec<u8> = rest.drain(..=end).collect();
            let Some(json) = line.strip_prefix(b"data: ") else { continue };
            let Ok(event) = serde_json::from_slice::<serde_json::Value>(json) else { continue };
            print!("{}", event["choices"][0]["delta"]["content"].as_str().unwrap_or_default());
            std::io::stdout().flush()?;
        }
    }
    println!();`
    : `    let answer: serde_json::Value = answer.json().await?;
    println!("{}", answer["choices"][0]["message"]["content"].as_str().unwrap_or_default());`;
  const uses = body.stream ? 'use std::io::Write;\n\n' : '';
  return `// cargo add reqwest --features json && cargo add serde_json && cargo add tokio --features full
${uses}#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let body: serde_json::Value = serde_json::from_str(${raw(json)})?;
    let ${body.stream ? 'mut ' : ''}answer = reqwest::Client::new()
        .post(${JSON.stringify(`${base}/chat/completions`)})
        .bearer_auth("${KEY}")
        .json(&body)
        .send()
        .await?
        .error_for_status()?;
${print}
    Ok(())
}
`;
}
