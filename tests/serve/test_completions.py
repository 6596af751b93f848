"""/v1/completions over a fake engine, and read by the code of lm-eval that reads it in practice."""

import json

import pytest
from lm_eval.models.openai_completions import LocalCompletionsAPI
from tests.serve.fake_engine import fake_model
from tests.serve.test_chat import refused

from groundup.serve.protocol_completions import Completion

PROMPT = "the quick brown fox"


def ask(client, prompt=PROMPT, **fields):
    return client.post("/v1/completions", json={"model": "fake", "prompt": prompt, **fields})


def chunks(answer):
    assert answer.status_code == 200, answer.text
    lines = [line for line in answer.text.split("\n\n") if line]
    assert lines[-1] == "data: [DONE]"
    events = [json.loads(line.removeprefix("data: ")) for line in lines[:-1]]
    for event in events:
        Completion.model_validate(event)
    return events


def test_an_answer_has_what_openai_documents(client):
    told = Completion.model_validate(ask(client).json())
    [choice] = told.choices
    assert choice.text == "You said: " + PROMPT
    assert (choice.finish_reason, choice.logprobs) == ("stop", None)
    assert told.usage.prompt_tokens == len(client.engine.tokenizer.encode(PROMPT))
    assert client.engine.submitted[0].max_tokens == 16


def test_prompts_come_in_four_forms(client):
    encode = client.engine.tokenizer.encode
    ids = encode(PROMPT)
    for prompt, expected in {
        PROMPT: [ids],
        json.dumps(ids): [ids],
        json.dumps([PROMPT, "sea"]): [ids, encode("sea")],
        json.dumps([ids, [5]]): [ids, [5]],
    }.items():
        client.engine.submitted.clear()
        given = prompt if prompt == PROMPT else json.loads(prompt)
        answer = ask(client, given).json()
        assert [list(request.prompt) for request in client.engine.submitted] == expected
        assert [choice["index"] for choice in answer["choices"]] == list(range(len(expected)))
        assert answer["usage"]["prompt_tokens"] == sum(map(len, expected))


def test_an_empty_prompt_begins_a_document(client):
    ask(client, "")
    assert client.engine.submitted[0].prompt == (0,)


def test_special_tokens_can_be_spelt_out(client):
    ask(client, "<|im_start|>user")
    assert client.engine.submitted[0].prompt[0] == 1


def test_several_answers_to_several_prompts_stand_in_order(client):
    answer = ask(client, ["the", "sea"], n=2).json()
    texts = [choice["text"] for choice in answer["choices"]]
    assert texts == ["You said: the"] * 2 + ["You said: sea"] * 2
    assert [choice["index"] for choice in answer["choices"]] == [0, 1, 2, 3]
    events = chunks(ask(client, ["the", "sea"], n=2, stream=True))
    joined = ["", "", "", ""]
    for event in events:
        for choice in event["choices"]:
            joined[choice["index"]] += choice["text"]
    assert joined == texts


def test_the_best_of_several_answers_is_given(open_app, tokenizer):
    replies = iter(["the fox", "she", "lazy dog", "sea shells"])
    client = open_app([fake_model(tokenizer, reply=lambda text: next(replies))])
    engine = client.engine
    answer = ask(client, best_of=4, n=2).json()
    scores = {}
    for text in ("the fox", "she", "lazy dog", "sea shells"):
        values = [engine.logprob(token, 0).logprob for token in tokenizer.encode(text)]
        scores[text] = sum(values) / len(values)
    best = sorted(scores, key=scores.get, reverse=True)[:2]
    assert [choice["text"] for choice in answer["choices"]] == best
    assert answer["choices"][0]["logprobs"] is None
    assert answer["usage"]["completion_tokens"] == sum(len(tokenizer.encode(t)) for t in scores)


def test_logprobs_of_prompt_and_answer(client):
    answer = ask(client, echo=True, logprobs=3).json()["choices"][0]
    told = answer["logprobs"]
    assert answer["text"] == f"{PROMPT}You said: {PROMPT}"
    assert "".join(told["tokens"]) == answer["text"]
    assert told["token_logprobs"][0] is None
    assert told["top_logprobs"][0] is None
    assert all(value is not None for value in told["token_logprobs"][1:])
    assert all(len(top) == 4 for top in told["top_logprobs"][1:])  # and the one that stands there
    for token, value, top in list(
        zip(told["tokens"], told["token_logprobs"], told["top_logprobs"], strict=True)
    )[1:]:
        assert top[token] == value
    for token, offset in zip(told["tokens"], told["text_offset"], strict=True):
        assert answer["text"][offset : offset + len(token)] == token


def test_the_prompt_alone_can_be_scored(client):
    answer = ask(client, echo=True, logprobs=0, max_tokens=0).json()
    [choice] = answer["choices"]
    assert choice["text"] == PROMPT
    assert "".join(choice["logprobs"]["tokens"]) == PROMPT
    assert choice["finish_reason"] == "length"
    assert answer["usage"]["completion_tokens"] == 0
    assert [list(top) for top in choice["logprobs"]["top_logprobs"][1:]] == [
        [token] for token in choice["logprobs"]["tokens"][1:]
    ]


def test_a_stream_of_logprobs_joins_to_the_whole(client):
    whole = ask(client, echo=True, logprobs=2).json()["choices"][0]
    joined = {"tokens": [], "token_logprobs": [], "top_logprobs": [], "text_offset": []}
    text = ""
    for event in chunks(ask(client, echo=True, logprobs=2, stream=True)):
        [choice] = event["choices"]
        text += choice["text"]
        for name, values in joined.items():
            values += choice["logprobs"][name]
    assert (text, joined) == (whole["text"], whole["logprobs"])


def test_offsets_of_half_characters(open_app, tokenizer):
    client = open_app([fake_model(tokenizer, reply=lambda text: "a€b")])
    choice = ask(client, "é", echo=True, logprobs=0).json()["choices"][0]
    assert choice["text"] == "éa€b"
    told = choice["logprobs"]
    assert told["tokens"] == [
        "bytes:\\xc3", "bytes:\\xa9", "a", "bytes:\\xe2", "bytes:\\x82", "bytes:\\xac", "b",
    ]  # fmt: skip
    assert told["text_offset"] == [0, 0, 1, 2, 2, 2, 3]


def test_echo_without_logprobs(client):
    assert ask(client, echo=True).json()["choices"][0]["text"] == f"{PROMPT}You said: {PROMPT}"
    assert client.engine.submitted[0].prompt_logprobs is None


def test_lm_eval_reads_the_prompts_log_probabilities(client):
    """The very request and the very parsing of lm-eval's `local-completions`."""
    api = object.__new__(LocalCompletionsAPI)
    api.model = "fake"
    encode = client.engine.tokenizer.encode
    contexts, ends = ["the quick", "she sells"], [" brown fox", " sea shells"]
    tokens = [encode(a) + encode(b) for a, b in zip(contexts, ends, strict=True)]
    payload = api._create_payload(tokens, generate=False, gen_kwargs={})
    answer = client.post("/v1/completions", json=payload)
    assert answer.status_code == 200, answer.text
    ctxlens = [len(encode(context)) for context in contexts]
    found = api.parse_logprobs(answer.json(), tokens, ctxlens)
    for ids, length, (total, is_greedy) in zip(tokens, ctxlens, found, strict=True):
        expected = [client.engine.logprob(token, 1).logprob for token in ids[length:]]
        assert total == pytest.approx(sum(expected))
        assert is_greedy  # the fake's alternatives are all less likely


def test_lm_eval_finds_one_token_more_than_the_prompt_even_if_it_is_the_end(open_app, tokenizer):
    client = open_app([fake_model(tokenizer, reply=lambda text: "")])
    choice = ask(client, echo=True, logprobs=1, max_tokens=1).json()["choices"][0]
    assert len(choice["logprobs"]["tokens"]) == len(tokenizer.encode(PROMPT)) + 1
    assert choice["logprobs"]["tokens"][-1] == "<|im_end|>"
    assert (choice["text"], choice["finish_reason"]) == (PROMPT, "stop")


def test_lm_eval_reads_generated_texts(client):
    api = object.__new__(LocalCompletionsAPI)
    api.model, api._max_gen_toks = "fake", 64
    settings = {"until": ["\n"], "do_sample": False}
    payload = api._create_payload(
        ["the", "sea"], generate=True, gen_kwargs=settings, eos="<|im_end|>"
    )
    found = api.parse_generations(client.post("/v1/completions", json=payload).json())
    assert found == ["You said: the", "You said: sea"]


BAD = {
    "a suffix": ({"suffix": "end"}, "suffix"),
    "no ids": ({"prompt": []}, "prompt"),
    "an empty list of ids": ({"prompt": [[]]}, "prompt"),
    "texts and ids": ({"prompt": ["a", [1]]}, "prompt"),
    "a negative id": ({"prompt": [-1]}, "prompt"),
    "an object": ({"prompt": {"text": "a"}}, "prompt"),
    "half a surrogate pair": ({"prompt": "\udfff"}, "prompt"),
    "many logprobs": ({"logprobs": 21}, "logprobs"),
    "true as logprobs": ({"logprobs": True}, "logprobs"),
    "best_of below n": ({"n": 3, "best_of": 2}, "best_of"),
    "a streamed choice": ({"n": 1, "best_of": 2, "stream": True}, "best_of"),
    "too many sequences": ({"prompt": ["a"] * 100, "n": 3}, "n"),
    "negative max_tokens": ({"max_tokens": -1}, "max_tokens"),
}  # fmt: skip


@pytest.mark.parametrize(("fields", "param"), BAD.values(), ids=BAD)
def test_bad_requests_are_refused_by_name(client, fields, param):
    body = json.dumps({"model": "fake", "prompt": PROMPT, **fields})
    answer = client.post(
        "/v1/completions", content=body, headers={"content-type": "application/json"}
    )
    refused(answer, 400)
    assert answer.json()["error"]["param"].startswith(param)
    assert client.engine.submitted == []


def test_a_prompt_that_is_too_long_is_refused(client):
    refused(ask(client, [5] * 513), 400, code="context_length_exceeded", param="prompt")
    assert ask(client, [5] * 512, max_tokens=4).status_code == 200
    assert client.engine.submitted[0].max_tokens == 1
