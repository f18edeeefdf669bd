// openai-node, unmodified, before the router. The environment says where the router and its vendors are.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import OpenAI from 'openai';

const { ROUTER_URL, ROUTER_KEY, VENDORS_URL } = process.env;
const dialects = ['openai', 'anthropic', 'ollama'];
const weather = {
  type: 'function',
  function: {
    name: 'get_weather',
    description: 'Current weather',
    parameters: {
      type: 'object',
      properties: { city: { type: 'string' }, days: { type: 'integer', minimum: 2 } },
      required: ['city', 'days'],
    },
  },
};

const client = (options = {}) =>
  new OpenAI({ baseURL: `${ROUTER_URL}/v1`, apiKey: ROUTER_KEY, maxRetries: 0, timeout: 30_000, ...options });
const user = (content) => [{ role: 'user', content }];

function marked(text, marker, n) {
  const tokens = text.trim().split(/\s+/);
  assert.equal(tokens.length, n, text);
  for (const token of tokens) assert.ok(token.startsWith(`${marker}.`), text);
}

// What a caller puts together from a stream.
async function assemble(stream) {
  const out = { text: '', calls: [], finish: null, usage: null };
  for await (const chunk of stream) {
    out.usage = chunk.usage ?? out.usage;
    for (const { delta, finish_reason } of chunk.choices) {
      out.text += delta.content ?? '';
      out.finish = finish_reason ?? out.finish;
      for (const d of delta.tool_calls ?? []) {
        const call = (out.calls[d.index] ??= { id: '', type: 'function', function: { name: '', arguments: '' } });
        call.id += d.id ?? '';
        call.function.name += d.function?.name ?? '';
        call.function.arguments += d.function?.arguments ?? '';
      }
    }
  }
  return out;
}

for (const dialect of dialects) {
  const model = `${dialect}-fast`;

  test(`${dialect}: completion`, async () => {
    const { data, response, request_id } = await client()
      .chat.completions.create({ model, messages: user('marker:JS tokens:12') })
      .withResponse();
    marked(data.choices[0].message.content, 'JS', 12);
    assert.equal(data.choices[0].finish_reason, 'stop');
    assert.equal(data.usage.completion_tokens, 12);
    assert.equal(data.usage.total_tokens, data.usage.prompt_tokens + 12);
    assert.equal(response.headers.get('x-switchyard-deployment'), `${model}/m-${dialect}`);
    assert.ok(request_id);
  });

  test(`${dialect}: stream`, async () => {
    for (const stream_options of [undefined, { include_usage: true }]) {
      const stream = await client().chat.completions.create({ model, messages: user('marker:JS tokens:12'), stream: true, stream_options });
      const got = await assemble(stream);
      marked(got.text, 'JS', 12);
      assert.equal(got.finish, 'stop');
      assert.equal(got.usage?.completion_tokens, stream_options && 12);
    }
    const helper = client().chat.completions.stream({ model, messages: user('marker:JS tokens:12') });
    marked(await helper.finalContent(), 'JS', 12);
  });

  test(`${dialect}: tools`, async () => {
    const ask = { model, tools: [weather] };
    const messages = user('marker:JS use get_weather');
    const whole = await client().chat.completions.create({ ...ask, messages });
    const streamed = await assemble(await client().chat.completions.create({ ...ask, messages, stream: true }));
    for (const [calls, finish] of [
      [whole.choices[0].message.tool_calls, whole.choices[0].finish_reason],
      [streamed.calls, streamed.finish],
    ]) {
      assert.equal(calls.length, 1);
      assert.equal(finish, 'tool_calls');
      assert.ok(calls[0].id);
      assert.equal(calls[0].function.name, 'get_weather');
      const { city, days } = JSON.parse(calls[0].function.arguments);
      assert.ok(city.startsWith('JS'), city);
      assert.equal(days, 2);
    }
    messages.push(
      { role: 'assistant', tool_calls: streamed.calls },
      { role: 'tool', tool_call_id: streamed.calls[0].id, content: 'rain-and-17-degrees' },
    );
    const answer = await client().chat.completions.create({ ...ask, messages });
    assert.match(answer.choices[0].message.content, /rain-and-17-degrees/);
    const again = await assemble(await client().chat.completions.create({ ...ask, messages, stream: true }));
    assert.match(again.text, /rain-and-17-degrees/);
    assert.equal(again.finish, 'stop');
  });

  test(`${dialect}: the vendor's errors`, async () => {
    for (const [profile, kind, status, code] of [
      ['badkey', OpenAI.InternalServerError, 502, 'upstream_auth'],
      ['invalid', OpenAI.BadRequestError, 400],
      ['ratelimited', OpenAI.RateLimitError, 429],
      ['down', OpenAI.InternalServerError, 503, 'overloaded'],
      ['overloaded', OpenAI.InternalServerError, 503, 'overloaded'],
    ]) {
      await refused(client(), { model: `${dialect}-${profile}` }, kind, status, code);
    }
  });

  test(`${dialect}: an error in a stream`, async () => {
    let text = '';
    const read = async () => {
      const stream = await client().chat.completions.create({ model: `${dialect}-cut`, messages: user('marker:JS'), stream: true });
      for await (const chunk of stream) text += chunk.choices[0].delta.content ?? '';
    };
    await assert.rejects(read, (e) => e instanceof OpenAI.APIError && e.code === 'bad_upstream_response' && e.message !== '');
    marked(text, 'JS', 5);
  });
}

async function refused(c, request, kind, status, code) {
  for (const stream of [false, true]) {
    await assert.rejects(
      () => c.chat.completions.create({ messages: user('hi'), stream, ...request }),
      (e) => {
        assert.equal(e.constructor, kind, e.message);
        assert.equal(e.status, status);
        assert.equal(typeof e.code, 'string');
        assert.ok(e.type && e.requestID);
        if (code) assert.equal(e.code, code);
        return true;
      },
    );
  }
}

test("the router's errors", async () => {
  await refused(client({ apiKey: 'sk-wrong' }), { model: 'openai-fast' }, OpenAI.AuthenticationError, 401, 'invalid_api_key');
  await refused(client(), { model: 'nothing' }, OpenAI.NotFoundError, 404, 'model_not_found');
  await assert.rejects(() => client().models.retrieve('nothing'), OpenAI.NotFoundError);
});

test('embeddings', async () => {
  for (const encoding_format of [undefined, 'float']) {
    const r = await client().embeddings.create({ model: 'openai-fast', input: ['a', 'b'], dimensions: 8, encoding_format });
    assert.deepEqual(r.data.map((d) => d.embedding.length), [8, 8]);
    assert.notDeepEqual(r.data[0].embedding, r.data[1].embedding);
  }
});

test('models', async () => {
  const names = [];
  for await (const m of client().models.list()) names.push(m.id);
  assert.ok(names.includes('anthropic-fast'));
});

// The router has tried already, and tells the SDK so, which by default would try twice more.
test('errors are not repeated', async () => {
  const seen = async () => (await (await fetch(`${VENDORS_URL}/_sim/stats`)).json()).profiles.overloaded ?? 0;
  const before = await seen();
  await assert.rejects(() => client({ maxRetries: 2 }).chat.completions.create({ model: 'openai-overloaded', messages: user('hi') }));
  assert.equal(await seen(), before + 1);
});

test('an abort ends the upstream request', async () => {
  const stats = async () => (await fetch(`${VENDORS_URL}/_sim/stats`)).json();
  const { cancelled } = await stats();
  const stream = await client().chat.completions.create({ model: 'anthropic-slow', messages: user('tokens:5000'), stream: true });
  for await (const chunk of stream) if (chunk.choices[0].delta.content) break; // leaving the loop aborts
  for (let now = await stats(); now.cancelled === cancelled; now = await stats());
});
