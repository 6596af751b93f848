// Talking to the server: OpenAI's protocol over fetch, and its failures in words.

/** What went wrong, in words for a person. `status` is 0 where no answer came at all. */
export class Failure extends Error {
  constructor(words, { status = 0, wantsKey = false } = {}) {
    super(words);
    this.status = status;
    this.wantsKey = wantsKey;
  }
}

/**
 * The data of each server-sent event, as text: the WHATWG rules, without `id` and `retry`.
 * An event is complete at its blank line; a torn one at the end of the stream is left out.
 */
export async function* events(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  let data = [];
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      rest += value;
      const held = rest.endsWith("\r") ? "\r" : ""; // its "\n" may come with the next piece
      const lines = rest.slice(0, rest.length - held.length).split(/\r\n|\n|\r/);
      rest = lines.pop() + held;
      for (const line of lines) {
        if (line === "") {
          if (data.length) yield data.join("\n");
          data = [];
        } else if (line.startsWith("data:")) {
          data.push(line.slice(line[5] === " " ? 6 : 5));
        }
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

const UNREACHABLE = "The server cannot be reached. It may have stopped, or the connection is gone.";
const TORN = "The answer broke off: the connection to the server ended before it was complete.";

async function ask(path, { key, body, signal }) {
  const headers = key ? { Authorization: `Bearer ${key}` } : {};
  if (body) headers["Content-Type"] = "application/json";
  let response;
  try {
    response = await fetch(path, { method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body), signal });
  } catch (error) {
    throw error.name === "AbortError" ? error : new Failure(UNREACHABLE);
  }
  if (!response.ok) throw await refusal(response, Boolean(key));
  return response;
}

/** A response that is no success, in words; what the server said is kept. */
async function refusal(response, hadKey) {
  let said = "";
  try {
    const { error, detail } = await response.json();
    said = error?.message ?? (typeof detail === "string" ? detail : "");
  } catch { /* not JSON: the status says it */ }
  const status = response.status;
  const wait = Number(response.headers.get("Retry-After"));
  const later = wait > 0 ? ` Try again in ${wait} s.` : "";
  const wantsKey = status === 401;
  return new Failure(`${inWords(status, hadKey)}${said ? ` It says: ${ended(said)}` : ""}${later}`, { status, wantsKey });
}

const ended = (sentence) => (/[.!?]$/.test(sentence) ? sentence : `${sentence}.`);

function inWords(status, hadKey) {
  if (status === 401) return hadKey ? "The server does not accept this API key." : "The server wants an API key.";
  if (status === 403) return "The server does not allow this.";
  if (status === 404) return "The server does not have what was asked for.";
  if (status === 413) return "The conversation is too long for the server.";
  if (status === 429) return "The server is busy, or your limit is reached.";
  if (status === 503) return "The server takes no new messages now: it is starting or stopping.";
  if (status >= 500) return `The server failed (status ${status}).`;
  return `The server refused the message (status ${status}).`;
}

/** The names of the models that the server has. */
export async function models(key) {
  const response = await ask("/v1/models", { key });
  const { data } = await response.json();
  return data.map((model) => model.id);
}

/**
 * An answer as it comes, in pieces `{text, tokens, reason, usage}` (each may be missing).
 * `tokens` are OpenAI's log-probability entries. Throws Failure, or AbortError once `signal` aborts.
 */
export async function* answer(body, { key, signal }) {
  const response = await ask("/v1/chat/completions", { key, body, signal });
  let ended = false;
  try {
    for await (const data of events(response.body)) {
      if (data === "[DONE]") return;
      const piece = pieceOf(data);
      ended ||= Boolean(piece.reason);
      yield piece;
    }
  } catch (error) {
    if (error instanceof Failure || error.name === "AbortError") throw error;
    throw new Failure(TORN);
  }
  if (!ended) throw new Failure(TORN);
}

function pieceOf(data) {
  let chunk;
  try {
    chunk = JSON.parse(data);
  } catch {
    throw new Failure("The server sent something that is not JSON, so the answer ends here.");
  }
  if (chunk.error) throw new Failure(`The server failed in the middle of the answer. It says: ${ended(chunk.error.message ?? "nothing")}`);
  const choice = chunk.choices?.[0];
  return {
    text: choice?.delta?.content ?? "",
    tokens: choice?.logprobs?.content ?? [],
    reason: choice?.finish_reason ?? null,
    usage: chunk.usage ?? null,
  };
}
