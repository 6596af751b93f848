"""The report: from a run's folder, whole or half done, to one page that a browser shows well."""

import dataclasses
import json
import math
import re
import shutil
import subprocess
from html import escape, unescape
from html.parser import HTMLParser

import pytest
import torch

from groundup import config
from groundup.checkpoints import huggingface
from groundup.data.corpus import CorpusConfig
from groundup.data.corpus import write_corpus as write_corpus_of
from groundup.evaluate.functions import FunctionScore, Sample
from groundup.evaluate.table import BitsRow, EvaluateResult
from groundup.maths.intervals import wilson
from groundup.models.gpt import GPT, GPTConfig
from groundup.pipeline import artifact
from groundup.pipeline.artifact import Record
from groundup.pipeline.report import ReportConfig, write_report
from groundup.tokenizers.bpe import BPE

ATTACK = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
TEXTS = ["def area(width, height):\n    return width * height\n", "import os\n\nprint(os.name)\n"]
USE = {"part": "layers.attention:attend", "file": "mine.py", "name": "attend", "sha256": "e" * 64}
CONFIG = ReportConfig(title="A <i>run</i>", command="groundup build stdlib", functions=4)
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


def write_json(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data), encoding="utf-8")


def write_metrics(folder, *, steps):
    rows = []
    for step in range(steps):
        loss = 2 + 6 * math.exp(-step / 50)
        rows.append({"step": step, "loss": loss, "lr": 3e-3, "grad_norm": 0.5})
        rows[-1]["tokens_per_second"] = 16_000 + step
        if step % 50 == 0:
            rows.append({"step": step, "validation_loss": loss + 0.1})
            rows.append({"step": step, "sample": f"sample at step {step} {ATTACK}"})
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def write_corpus(folder):
    write_json(
        folder / "manifest.json",
        {
            "source": "the Python standard library",
            "licence": "PSF-2.0",
            "documents": {"train": 1489, "validation": 78},
            "bytes": {"train": 24_100_000, "validation": 1_270_000},
            "dropped": {"table of data": {"files": 112, "bytes": 6_300_000}},
        },
    )


def write_tokenizer(folder):
    BPE.train(TEXTS, vocab_size=275).save(folder)


def write_shards(folder):
    splits = {"train": {"documents": 1489, "bytes": 24_100_000, "tokens": 6_200_000}}
    write_json(folder / "manifest.json", {"splits": splits})


def write_pretrain(folder):
    write_metrics(folder, steps=200)
    write_json(
        folder / "result.json",
        {
            "parameters": 11_400_000,
            "tokens": 7_900_000,
            "seconds": 481.0,
            "validation_loss": 2.0834,
            "flops_per_token": 8.1e6,
            "precision": "bfloat16",
            "achieved_flops": 129e9,
            "peak_flops": 212e9,
            "reference_loss": 2.0811,
        },
    )
    torch.manual_seed(0)
    shape = GPTConfig(vocab_size=275, context=64, depth=2, width=32, heads=2)
    huggingface.save(GPT(shape), folder / "model")


def write_instruct(folder):
    write_metrics(folder, steps=100)


def functions(name, *, temperature, accepted):
    low, high = wilson(accepted, 200)
    samples = [
        Sample(prompt=f"def f{i}(x):\n", body=f"    return {i}  # {ATTACK}\n", accepted=i % 2 == 0)
        for i in range(6)
    ]
    return FunctionScore(
        name=name,
        temperature=temperature,
        accepted=accepted,
        total=200,
        share=accepted / 200,
        low=low,
        high=high,
        unended=3,
        samples=tuple(samples),
    )


def write_evaluate(folder):
    bits = {"gzip": 2.13, "zstd": 1.71, "xz": 1.62, "n-gram": 1.58, "model": 1.207}
    result = EvaluateResult(
        documents=78,
        bytes=1_270_000,
        tokens=330_000,
        bits_per_byte=tuple(
            BitsRow(name=name, detail=f"{name} -9", bits_per_byte=value)
            for name, value in bits.items()
        ),
        functions=(
            functions("n-gram", temperature=0.0, accepted=31),
            functions("model", temperature=0.0, accepted=171),
            functions("model", temperature=0.8, accepted=148),
        ),
        notes=("A note on how to read the figures.",),
    )
    folder.mkdir(parents=True)
    config.write(result, folder / "result.json")


WRITERS = {
    "corpus": write_corpus,
    "tokenizer": write_tokenizer,
    "shards": write_shards,
    "pretrain": write_pretrain,
    "instruct": write_instruct,
    "evaluate": write_evaluate,
}


def make_run(folder, *, stages=tuple(WRITERS), uses=()):
    """A run whose listed stages are complete."""
    for stage in stages:
        record = Record(
            stage=stage,
            status="running",
            fingerprint=f"{stage}-fingerprint",
            base_fingerprint="b",
            config={"depth": 6, "note": ATTACK, "conversations": {}, "sample_question": "Why?"},
            inputs={"corpus": "c" * 64},
            uses=tuple(uses) if stage == "pretrain" else (),
            started="2026-11-23T23:00:00+00:00",
            versions=artifact.versions(),
            machine=artifact.machine(),
        )
        WRITERS[stage](folder / stage)
        artifact.write_record(record, folder / stage)
        artifact.complete(record, folder / stage, seconds=90.0)
    return folder


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("runs") / "stdlib", uses=[USE])


@pytest.fixture(scope="module")
def page(run, tmp_path_factory):
    return write_report(run, tmp_path_factory.mktemp("report"), CONFIG)


@pytest.fixture(scope="module")
def html(page):
    return page.read_text(encoding="utf-8")


class Words(HTMLParser):
    """The text a reader sees, and the elements."""

    def __init__(self, html):
        super().__init__()
        self.words, self.elements, self.inside = [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag in ("script", "style"):
            self.inside.append(tag)

    def handle_endtag(self, tag):
        if self.inside and tag == self.inside[-1]:
            self.inside.pop()

    def handle_data(self, data):
        if not self.inside:
            self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


def test_the_page_is_the_file_index_html(page):
    assert page.name == "index.html"
    assert [path.name for path in page.parent.iterdir()] == ["index.html"]


def test_the_head_shows_the_key_figures(html):
    text = Words(html).text
    for figure in (
        "bits per byte 1.207 25 % less than xz, 1.62",
        "functions that parse 86 % an n-gram model: 16 %",
        "parameters 11.4 M",
        "tokens trained on 7.9 M",
        "of the machine's measured peak 61 % 129 of 212 GFLOP/s in bfloat16",
        "from text to model 9.0 min",
    ):
        assert figure in text


def test_every_section_is_there_with_its_content(html):
    text = Words(html).text
    for title in (
        "1 What was built",
        "2 The text",
        "3 The tokenizer",
        "4 Training",
        "5 Looking inside",
        "6 How good it is",
        "7 Where each number came from",
    ):
        assert title in text
    assert "table of data 112 6.3 MB" in text
    assert "3.89 on the training text" in text
    assert "sample at step 150" in text
    assert "pretrain-fin" in text
    assert "groundup build stdlib" in text


def test_the_evaluation_is_shown_whole_and_honestly(html):
    text = Words(html).text
    assert "gzip -9 2.130" in text
    assert "this model, T = 0.8 148 200 68 to 80 % 3" in text
    assert "A note on how to read the figures." in text
    shown = [int(found) for found in re.findall(r"def f(\d)\(x\):", text)]
    assert shown == 3 * [0, 1, 2, 3]  # of each writer the first four, accepted or not
    assert text.count("accepted def") == text.count("refused def") == 6


def test_a_model_worse_than_xz_is_said_to_be(tmp_path):
    run = make_run(tmp_path / "run", stages=["evaluate"])
    path = run / "evaluate" / "result.json"
    path.write_text(path.read_text().replace("1.207", "3.24"))
    text = Words(write_report(run, tmp_path / "out", ReportConfig()).read_text()).text
    assert "bits per byte 3.240 100 % more than xz, 1.62" in text


def test_a_replaced_part_is_named_with_its_file_and_both_losses(html):
    text = Words(html).text
    assert "part layers.attention:attend in stage pretrain replaced by mine.py:attend" in text
    assert USE["sha256"] in text
    assert "validation loss 2.0834 with the library's own 2.0811" in text


def test_the_page_loads_nothing(html):
    elements = Words(html).elements
    addresses = [
        value
        for tag, attributes in elements
        for name, value in attributes.items()
        if name in ("src", "href", "xlink:href", "srcset", "action")
    ]
    assert addresses
    assert all(address.startswith("#") for address in addresses)
    assert not [tag for tag, _ in elements if tag in ("link", "img", "iframe", "object", "base")]
    assert "url(" not in re.sub(r"url\(#", "", html)
    assert "@import" not in html


def test_what_the_model_wrote_stays_text(html):
    parsed = Words(html)
    assert ATTACK in parsed.text
    scripts = [attributes for tag, attributes in parsed.elements if tag == "script"]
    assert len(scripts) == 2
    assert scripts[0]["type"] == "application/json"
    assert "i" not in [tag for tag, _ in parsed.elements]


def test_the_policy_lets_only_the_pages_own_script_run(html):
    policies = [
        attributes["content"]
        for tag, attributes in Words(html).elements
        if attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    assert len(policies) == 1
    assert policies[0].startswith("default-src 'none'")
    assert "script-src 'sha256-" in policies[0]


def test_attention_data_fit_the_text(html):
    data = json.loads(re.search(r'id="attention-data">(.*?)</script>', html)[1])
    tokens = len(data["tokens"])
    assert (data["layers"], data["heads"]) == (2, 2)
    assert "".join(data["tokens"]).startswith("<|endoftext|>def area(width")
    assert len(data["weights"]) == 4 * math.ceil(4 * tokens * (tokens + 1) / 2 / 3)


def test_ids_occur_once(html):
    ids = [attributes["id"] for _, attributes in Words(html).elements if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_the_same_run_gives_the_same_page(run, page, tmp_path):
    assert write_report(run, tmp_path, CONFIG).read_bytes() == page.read_bytes()


@pytest.mark.parametrize("finished", range(1, 6))
def test_a_run_that_is_not_finished_shows_what_it_has(tmp_path, finished):
    stages = list(WRITERS)[:finished]
    run = make_run(tmp_path / "half", stages=stages)
    text = Words(write_report(run, tmp_path / "out", ReportConfig()).read_text()).text
    assert "This run is not finished" in text
    for stage in list(WRITERS)[finished:]:
        assert f"{stage} has not run yet" in text
    assert "The run half" in text


def test_a_stage_that_was_interrupted_is_said_to_be(tmp_path):
    run = make_run(tmp_path / "run", stages=["corpus", "tokenizer", "shards", "pretrain"])
    record = artifact.read_record(run / "pretrain")
    artifact.write_record(dataclasses.replace(record, status="running"), run / "pretrain")
    (run / "pretrain" / "result.json").unlink()
    shutil.rmtree(run / "pretrain" / "model")
    text = Words(write_report(run, tmp_path / "out", ReportConfig()).read_text()).text
    assert "pretrain is not finished (its record says running)" in text
    assert "Loss" in text
    assert "11.4 M" not in text


def test_the_chat_model_is_asked_what_was_held_out(tmp_path):
    run = make_run(tmp_path / "run", stages=["corpus", "tokenizer", "instruct"])
    texts = tmp_path / "texts"
    texts.mkdir()
    for i in range(6):
        source = f'def f{i}(x):\n    """Return the {i}th part of x."""\n    return x / {i + 1}\n'
        (texts / f"part{i}.py").write_text(source)
    write_corpus_of(CorpusConfig(path=texts, validation_share=0.3), run / "corpus")
    tokenizer = BPE.load(run / "tokenizer")
    model = GPT(GPTConfig(vocab_size=275, context=128, depth=1, width=16, heads=1))
    huggingface.save(model, run / "instruct" / "model", tokenizer)
    page = write_report(run, tmp_path / "out", ReportConfig(questions=2)).read_text()
    assert page.count('class="said user"') == page.count('class="said assistant"') == 2
    assert "Asked on the way Why?" in Words(page).text
    page = write_report(run, tmp_path / "out", ReportConfig(questions=0)).read_text()
    assert "said user" not in re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)


def test_no_folder_is_a_clear_error(tmp_path):
    with pytest.raises(ValueError, match=r"there is no run at .*nowhere; `groundup build` makes"):
        write_report(tmp_path / "nowhere", tmp_path, ReportConfig())


def test_a_folder_that_is_no_run_is_a_clear_error(tmp_path):
    with pytest.raises(ValueError, match="holds none of the stages corpus, tokenizer"):
        write_report(tmp_path, tmp_path / "out", ReportConfig())
    assert not (tmp_path / "out").exists()


def test_an_evaluation_of_another_shape_is_an_error_that_names_it(tmp_path):
    run = make_run(tmp_path / "run", stages=["evaluate"])
    write_json(run / "evaluate" / "result.json", {"bits": 1})
    with pytest.raises(ValueError, match=r"evaluate/result\.json is not a EvaluateResult"):
        write_report(run, tmp_path / "out", ReportConfig())


@pytest.mark.parametrize("content", ["{torn", "[1, 2]"])
def test_a_damaged_file_is_an_error_that_names_it(tmp_path, content):
    run = make_run(tmp_path / "run", stages=["corpus"])
    (run / "corpus" / "manifest.json").write_text(content)
    with pytest.raises(ValueError, match=r"corpus/manifest\.json"):
        write_report(run, tmp_path / "out", ReportConfig())


@pytest.mark.parametrize(
    ("field", "value"),
    [("attention_tokens", 1), ("attention_tokens", 500), ("functions", -1), ("questions", -1)],
)
def test_a_config_out_of_range_is_refused(field, value):
    with pytest.raises(ValueError, match=f"{field} is {value}; wanted"):
        ReportConfig(**{field: value})


def test_an_empty_sample_prompt_is_refused():
    with pytest.raises(ValueError, match="sample_prompt is empty"):
        ReportConfig(sample_prompt="")


# The page stands in a frame, because a headless window cannot be narrower than 500 pixels.
PROBE = """<script>
addEventListener("load", () => setTimeout(() => {
  const page = document.documentElement, out = {};
  out.wide = [innerWidth, page.scrollWidth];
  const inside = (e) => e.closest("pre, .scroll, .heads, svg");
  out.beyond = [...document.querySelectorAll("body *")].filter((e) => !inside(e) &&
    e.getBoundingClientRect().right > innerWidth + 1).map((e) => e.outerHTML.slice(0, 120));
  const tokens = [...document.querySelectorAll(".tokens [role=button]")];
  const looks = () => document.querySelector(".looks").textContent;
  const heads = document.querySelectorAll(".heads button");
  tokens[1].click();
  const first = [looks(), tokens.map((t) => t.ariaPressed).indexOf("true")];
  tokens[9].click();
  out.tapped = [first, [looks(), tokens.map((t) => t.ariaPressed).indexOf("true")]];
  heads[3].click();
  out.head = [looks() !== out.tapped[1][0], heads[3].ariaPressed, heads[0].ariaPressed];
  tokens[9].dispatchEvent(new KeyboardEvent("keydown", {key: "ArrowRight"}));
  out.key = tokens.map((t) => t.ariaPressed).indexOf("true");
  out.painted = [...document.querySelectorAll(".heads canvas")].every((c) =>
    c.getContext("2d").getImageData(0, 0, c.width, c.height).data.some((x) => x > 0));
  const ground = () => getComputedStyle(document.body).backgroundColor;
  const light = ground();
  document.getElementById("theme").click();
  out.grounds = [light, ground()];
  const rows = () => [...document.querySelectorAll("#built tbody tr")];
  const column = () => rows().map((row) => row.cells[0].textContent);
  document.querySelector("#built th").click();
  const up = column();
  document.querySelector("#built th").click();
  out.sorted = [up, column()];
  out.title = document.title;
  const result = parent.document.createElement("output");
  result.id = "probe";
  result.textContent = JSON.stringify(out);
  parent.document.body.append(result);
}, 50));
</script>"""


def dump(path, tmp_path, query=""):
    """The page's elements after its scripts ran."""
    command = [
        CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
        "--no-first-run", "--disable-background-networking", "--disable-component-update",
        "--disable-sync", f"--user-data-dir={tmp_path / 'profile'}",
        "--window-size=1400,1000", "--hide-scrollbars", "--virtual-time-budget=4000", "--dump-dom",
        f"file://{path}{query}",
    ]  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=90).stdout


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_works_in_a_browser(html, tmp_path, width):
    opened = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", html)
    probed = escape(opened.replace("</body>", PROBE + "</body>"))
    frame = f'<iframe srcdoc="{probed}" style="width:{width}px;height:900px;border:0"></iframe>'
    (tmp_path / "frame.html").write_text(f"<!doctype html>{frame}")
    seen = dump(tmp_path / "frame.html", tmp_path)
    out = json.loads(unescape(re.search(r'<output id="probe">(.*?)</output>', seen)[1]))
    assert out["wide"] == [width, width]
    assert out["beyond"] == []
    (first, at), (second, then) = out["tapped"]
    assert (at, then, out["key"]) == (1, 9, 10)
    assert first != second
    assert out["head"] == [True, "true", "false"]
    assert out["painted"]
    assert out["grounds"][0] != out["grounds"][1]
    assert out["sorted"][0] == sorted(WRITERS)
    assert out["sorted"][1] == sorted(WRITERS, reverse=True)
    assert out["title"] == "A <i>run</i>"


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
def test_the_policy_holds_in_a_browser(html, tmp_path):
    """The page's own script runs as it is shipped; one that slipped into the text would not."""
    (tmp_path / "page.html").write_text(html.replace("</main>", ATTACK + "</main>"))
    seen = dump(tmp_path / "page.html", tmp_path, query="?theme=dark")
    assert 'data-theme="dark"' in seen
    assert seen.count("<canvas") == 4
    assert "<title>owned" not in seen
