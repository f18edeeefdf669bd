"""openai-python, unmodified, before the router. The environment says where the router and its vendors are."""

import functools
import json
import os
import unittest
import urllib.request

import openai

URL, KEY, VENDORS = os.environ["ROUTER_URL"], os.environ["ROUTER_KEY"], os.environ["VENDORS_URL"]
DIALECTS = ("openai", "anthropic", "ollama")
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Current weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 2}},
            "required": ["city", "days"],
        },
    },
}


def client(key=KEY, retries=0):
    return openai.OpenAI(base_url=URL + "/v1", api_key=key, max_retries=retries, timeout=30)


def user(text):
    return [{"role": "user", "content": text}]


def assemble(stream):
    """What a caller puts together from a stream: text, tool calls, finish reason, usage."""
    text, calls, finish, usage = "", {}, None, None
    for chunk in stream:
        usage = chunk.usage or usage
        for choice in chunk.choices:
            text += choice.delta.content or ""
            finish = choice.finish_reason or finish
            for d in choice.delta.tool_calls or []:
                call = calls.setdefault(d.index, {"id": "", "type": "function", "function": {"name": "", "arguments": ""}})
                call["id"] += d.id or ""
                call["function"]["name"] += d.function.name or ""
                call["function"]["arguments"] += d.function.arguments or ""
    return text, [calls[i] for i in sorted(calls)], finish, usage


def each(test):
    """Runs a test once for each dialect."""

    @functools.wraps(test)
    def run(self):
        for dialect in DIALECTS:
            with self.subTest(dialect):
                test(self, dialect)

    return run


class Base(unittest.TestCase):
    def assertMarked(self, text, marker, n):
        tokens = text.split()
        self.assertEqual(len(tokens), n, text)
        for token in tokens:
            self.assertTrue(token.startswith(marker + "."), text)


class Answers(Base):
    @each
    def test_completion(self, dialect):
        r = client().chat.completions.create(model=dialect + "-fast", messages=user("marker:PY tokens:12"))
        self.assertMarked(r.choices[0].message.content, "PY", 12)
        self.assertEqual(r.choices[0].finish_reason, "stop")
        self.assertEqual(r.usage.completion_tokens, 12)
        self.assertGreater(r.usage.prompt_tokens, 0)
        self.assertEqual(r.usage.total_tokens, r.usage.prompt_tokens + 12)

    @each
    def test_headers(self, dialect):
        raw = client().chat.completions.with_raw_response.create(model=dialect + "-fast", messages=user("hi"))
        self.assertEqual(raw.headers["x-switchyard-deployment"], f"{dialect}-fast/m-{dialect}")
        self.assertEqual(raw.parse()._request_id, raw.headers["x-request-id"])

    @each
    def test_stream(self, dialect):
        for options in (openai.omit, {"include_usage": True}):
            stream = client().chat.completions.create(
                model=dialect + "-fast", messages=user("marker:PY tokens:12"), stream=True, stream_options=options
            )
            text, calls, finish, usage = assemble(stream)
            self.assertMarked(text, "PY", 12)
            self.assertEqual((calls, finish), ([], "stop"))
            if options is openai.omit:
                self.assertIsNone(usage)
            else:
                self.assertEqual(usage.completion_tokens, 12)

    @each
    def test_stream_helper(self, dialect):
        with client().chat.completions.stream(model=dialect + "-fast", messages=user("marker:PY tokens:12")) as stream:
            text = "".join(e.delta for e in stream if e.type == "content.delta")
            final = stream.get_final_completion()
        self.assertMarked(text, "PY", 12)
        self.assertEqual(final.choices[0].message.content, text)

    @each
    def test_tools(self, dialect):
        ask = {"model": dialect + "-fast", "tools": [WEATHER]}
        messages = user("marker:PY use get_weather")
        r = client().chat.completions.create(messages=messages, **ask)
        text, calls, finish, _ = assemble(client().chat.completions.create(messages=messages, stream=True, **ask))
        whole = [c.model_dump() for c in r.choices[0].message.tool_calls]
        for got, reason in ((whole, r.choices[0].finish_reason), (calls, finish)):
            self.assertEqual((len(got), reason), (1, "tool_calls"))
            self.assertTrue(got[0]["id"])
            self.assertEqual(got[0]["function"]["name"], "get_weather")
            arguments = json.loads(got[0]["function"]["arguments"])
            self.assertTrue(arguments["city"].startswith("PY"), arguments)
            self.assertEqual(arguments["days"], 2)
        messages += [
            {"role": "assistant", "tool_calls": calls},
            {"role": "tool", "tool_call_id": calls[0]["id"], "content": "rain-and-17-degrees"},
        ]
        r = client().chat.completions.create(messages=messages, **ask)
        self.assertIn("rain-and-17-degrees", r.choices[0].message.content)
        text, calls, finish, _ = assemble(client().chat.completions.create(messages=messages, stream=True, **ask))
        self.assertIn("rain-and-17-degrees", text)
        self.assertEqual((calls, finish), ([], "stop"))

    def test_embeddings(self):
        for options in ({}, {"encoding_format": "float"}):
            r = client().embeddings.create(model="openai-fast", input=["a", "b"], dimensions=8, **options)
            self.assertEqual([len(d.embedding) for d in r.data], [8, 8])
            self.assertNotEqual(r.data[0].embedding, r.data[1].embedding)

    def test_models(self):
        names = [m.id for m in client().models.list()]
        self.assertIn("anthropic-fast", names)
        self.assertEqual(client().models.retrieve("ollama-fast").id, "ollama-fast")


class Errors(Base):
    CASES = (
        ("-badkey", openai.InternalServerError, 502, "upstream_auth"),
        ("-invalid", openai.BadRequestError, 400, None),
        ("-ratelimited", openai.RateLimitError, 429, None),
        ("-down", openai.InternalServerError, 503, "overloaded"),
        ("-overloaded", openai.InternalServerError, 503, "overloaded"),
    )

    def refused(self, kind, status, code, c, **request):
        for stream in (False, True):
            with self.assertRaises(kind) as caught:
                c.chat.completions.create(stream=stream, **request)
            e = caught.exception
            self.assertIs(type(e), kind)
            self.assertEqual(e.status_code, status)
            self.assertIsInstance(e.code, str)
            self.assertTrue(e.message and e.type and e.request_id)
            if code:
                self.assertEqual(e.code, code)

    @each
    def test_of_vendors(self, dialect):
        for profile, kind, status, code in self.CASES:
            self.refused(kind, status, code, client(), model=dialect + profile, messages=user("hi"))

    def test_of_the_router(self):
        self.refused(openai.AuthenticationError, 401, "invalid_api_key", client("sk-wrong"), model="openai-fast", messages=user("hi"))
        self.refused(openai.NotFoundError, 404, "model_not_found", client(), model="nothing", messages=user("hi"))
        with self.assertRaises(openai.NotFoundError):
            client().models.retrieve("nothing")
        with self.assertRaises(openai.NotFoundError):
            client().embeddings.create(model="nothing", input="a")

    @each
    def test_in_a_stream(self, dialect):
        text = ""
        with self.assertRaises(openai.APIError) as caught:
            for chunk in client().chat.completions.create(model=dialect + "-cut", messages=user("marker:PY"), stream=True):
                text += chunk.choices[0].delta.content or ""
        self.assertMarked(text, "PY", 5)
        self.assertTrue(caught.exception.message)
        self.assertEqual(caught.exception.code, "bad_upstream_response")

    def test_are_not_repeated(self):
        """The router has tried already, and tells the SDK so, which by default would try twice more."""
        before = seen("down")
        with self.assertRaises(openai.InternalServerError):
            client(retries=2).chat.completions.create(model="openai-down", messages=user("hi"))
        self.assertEqual(seen("down"), before + 1)


def seen(profile):
    with urllib.request.urlopen(VENDORS + "/_sim/stats", timeout=30) as r:
        return json.load(r)["profiles"].get(profile, 0)


class Asynchronous(unittest.IsolatedAsyncioTestCase):
    async def test_stream(self):
        async with openai.AsyncOpenAI(base_url=URL + "/v1", api_key=KEY, max_retries=0, timeout=30) as c:
            text = ""
            stream = await c.chat.completions.create(model="anthropic-fast", messages=user("marker:PY tokens:12"), stream=True)
            async for chunk in stream:
                text += chunk.choices[0].delta.content or ""
            self.assertEqual(text.count("PY."), 12)


if __name__ == "__main__":
    unittest.main()
