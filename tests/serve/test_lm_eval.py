"""lm-eval gives the same scores through our server as with its own Hugging Face model.

It knows nothing of groundup: it asks `/v1/completions` for log-probabilities (`echo`, `logprobs`)
and for text, and takes the tokenizer from `/tokenize` and `/tokenizer_info`.
"""

import dataclasses
import json
import threading
import time

import pytest
import torch

from groundup.checkpoints import huggingface
from groundup.models.gpt import GPT, GPTConfig
from groundup.tokenizers.bpe import BPE

pytestmark = [
    pytest.mark.slow,
    pytest.mark.reference,
    pytest.mark.filterwarnings("ignore"),  # lm-eval's, datasets' and transformers' own
]
WINDOW = 64
ROWS = [
    {
        "query": f"The cat {i} sat on",
        "choices": [" the mat", " the dog ate 12 bones", " bones, and the"],
        "label": i % 3,
        "answer": "x",
        "text": f"The dog {i} ate the cat and the bones. " * (1 + 2 * i),
    }
    for i in range(6)
]


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A model that has learnt most of the answers by heart, and that a text ends after them."""
    path = tmp_path_factory.mktemp("model")
    tokenizer = BPE.train(["The cat sat on the mat, and the dog ate 12 bones."], vocab_size=290)
    tokenizer = BPE(dataclasses.replace(tokenizer.definition, end_token="<|endoftext|>"))
    torch.manual_seed(0)
    shape = {"context": 2 * WINDOW, "depth": 2, "width": 64, "heads": 2, "key_heads": 1}
    model = GPT(GPTConfig(vocab_size=tokenizer.vocab_size, **shape))
    texts = [tokenizer.encode(row["query"] + row["choices"][i % 2]) for i, row in enumerate(ROWS)]
    longest = max(map(len, texts))
    tokens = torch.tensor([text + [0] * (longest + 1 - len(text)) for text in texts])
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for _ in range(60):
        optimizer.zero_grad()
        model.loss(tokens[:, :-1], tokens[:, 1:]).backward()
        optimizer.step()
    huggingface.save(model, path, tokenizer)
    return path


@pytest.fixture(scope="module")
def address(folder):
    """Our server of the model, in a thread."""
    import uvicorn

    from groundup.inference.open_engine import open_engine
    from groundup.serve.app import create_app
    from groundup.serve.service import Service, served

    opened = open_engine(folder, quant="fp32", backend="torch", device="cpu")
    app = create_app(Service([served(opened, name="tiny")]))
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    for _ in range(1000):
        if server.started or not thread.is_alive():
            break
        time.sleep(0.01)
    assert server.started, "the server did not start"
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}/v1/completions"
    server.should_exit = True
    thread.join(timeout=30)
    assert not thread.is_alive(), "the server did not end"


def tasks(folder):
    """A task of each kind of request there is, from a file of our own."""
    (folder / "rows.jsonl").write_text("\n".join(map(json.dumps, ROWS)))
    files = {"data_files": {"test": str(folder / "rows.jsonl")}, "cache_dir": str(folder / "cache")}
    shared = {"dataset_path": "json", "dataset_kwargs": files, "test_split": "test"}
    shared["target_delimiter"] = ""
    choice = {"doc_to_text": "{{query}}", "doc_to_choice": "{{choices}}"}
    greedy = {"until": ["\n"], "max_gen_toks": 8, "do_sample": False}
    return {
        "choice": shared
        | choice
        | {"output_type": "multiple_choice", "doc_to_target": "{{label}}"}
        | {"metric_list": [{"metric": "acc"}, {"metric": "acc_norm"}]},
        "rolling": shared
        | {"output_type": "loglikelihood_rolling", "doc_to_text": "", "doc_to_target": "{{text}}"}
        | {"metric_list": [{"metric": "bits_per_byte"}, {"metric": "word_perplexity"}]},
        "written": shared
        | {"output_type": "generate_until", "doc_to_text": "{{query}}"}
        | {"doc_to_target": "{{answer}}", "generation_kwargs": greedy}
        | {"metric_list": [{"metric": "exact_match"}]},
    }


def evaluated(model, folder, name):
    """lm-eval's results of a task, and what the model answered to each of its requests."""
    import lm_eval
    from lm_eval.tasks import TaskManager

    found = lm_eval.simple_evaluate(
        model=model,
        tasks=[{"task": name, **tasks(folder)[name]}],
        task_manager=TaskManager(include_defaults=False),  # it would read thousands of files
        bootstrap_iters=0,
        log_samples=True,
    )
    scores = {k: v for k, v in found["results"][name].items() if "," in k and "stderr" not in k}
    samples = sorted(found["samples"][name], key=lambda sample: sample["doc_id"])
    return scores, [answer for sample in samples for row in sample["resps"] for answer in row]


@pytest.fixture(scope="module")
def theirs(folder):
    """lm-eval's own model of the folder."""
    from lm_eval.models.huggingface import HFLM
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    return HFLM(pretrained=model, tokenizer=tokenizer, device="cpu", max_length=WINDOW)


def ours(address, *, max_length):
    from lm_eval.models.openai_completions import LocalCompletionsAPI

    return LocalCompletionsAPI(base_url=address, model="tiny", max_length=max_length)


@pytest.mark.parametrize("name", ["choice", "rolling", "written"])
def test_scores_and_answers_are_those_of_lm_evals_own_model(folder, address, theirs, name):
    # lm-eval takes one token off a server's length, and of rolling windows another one
    more = 2 if name == "rolling" else 1
    wanted, their_answers = evaluated(theirs, folder, name)
    through, our_answers = evaluated(ours(address, max_length=WINDOW + more), folder, name)
    assert len(our_answers) == len(their_answers) >= len(ROWS)
    if name == "written":
        assert our_answers == their_answers
        assert " the mat" in our_answers
        return
    assert through.keys() == wanted.keys()
    for key, score in wanted.items():
        assert through[key] == pytest.approx(score, rel=1e-4), key
    if name == "choice":
        assert [is_greedy for _, is_greedy in our_answers] == [g for _, g in their_answers]
        # the token after such an answer is the end of the text, which must not hide a score
        assert sum(is_greedy for _, is_greedy in our_answers) >= 3
        our_answers, their_answers = ([a for a, _ in each] for each in (our_answers, their_answers))
    assert our_answers == pytest.approx(their_answers, abs=1e-3)
    assert min(their_answers) < -5
