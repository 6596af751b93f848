"""I1: a workspace of the library's solutions passes; each named mistake fails at its gate.

And the reference of the project is what transformers computes from the same folders.
"""

import pytest
import safetensors.torch
import torch
from tests.course.answers import solutions, spoil

from groundup.course import project, project_run
from groundup.course.projects.transformer import gates as declared

LLAMA, GPT2 = "Llama's logits are the reference's", "GPT-2's logits are the reference's"
LEAK, PAST = "a later token changes no earlier logit", "every token of the past counts"
CACHE = "with a cache, token by token, it is the same"
LOSS, GRADIENTS = "the loss is the reference's", "gradients of all weights are the reference's"
MEASURED = "gradients are the measured ones"
SINGLE = "in float32 they are too"

MISTAKES = {
    "the scores are not divided by the root of the width": (
        "layers.attention:attend", " / math.sqrt(q_BHTD.shape[-1])", "",
        {LLAMA, GPT2, SINGLE, CACHE, LOSS, GRADIENTS},
    ),
    "the mask shows the next token too": (
        "layers.masks:causal_mask", ".tril(S - T)", ".tril(S - T + 1)",
        {LLAMA, GPT2, SINGLE, LEAK, CACHE, LOSS, GRADIENTS},
    ),
    "what is masked gets the score 0": (
        "layers.attention:attend", "-math.inf", "0.0",
        {LLAMA, GPT2, SINGLE, LEAK, CACHE, LOSS, GRADIENTS},
    ),
    "one query before many keys stands at the first": (
        "layers.masks:causal_mask", ".tril(S - T)", ".tril()", {CACHE},
    ),
    "pairs are turned the other way": (
        "layers.positions:rotate", "left_BTHP * sin_T1P + right", "-left_BTHP * sin_T1P + right",
        {LLAMA, SINGLE, CACHE, LOSS, GRADIENTS},
    ),
    "epsilon is left out of the root": (
        "layers.normalization:rms_norm", "keepdim=True) + eps).rsqrt()",
        "keepdim=True)).rsqrt()", {LLAMA, SINGLE, CACHE, LOSS, GRADIENTS},
    ),
    "the variance divides by one less": (
        "layers.normalization:layer_norm", "(centred.square().mean(-1, keepdim=True) + eps)",
        "(x.var(-1, keepdim=True) + eps)", {GPT2, SINGLE, CACHE, LOSS, GRADIENTS},
    ),
    "the activation is on the wrong branch": (
        "layers.feed_forward:feed_forward", "function(x @ gate.T) * hidden",
        "(x @ gate.T) * function(hidden)", {LLAMA, SINGLE, CACHE, LOSS, GRADIENTS},
    ),
    "the norm's scale is taken out of the gradient": (
        "layers.normalization:rms_norm", "wide * scale * weight", "wide * scale.detach() * weight",
        {GRADIENTS, MEASURED},
    ),
    "everything is rounded to float32": (
        "layers.normalization:rms_norm", "x.float() if x.element_size() < 4 else x", "x.float()",
        {LLAMA, CACHE, LOSS, GRADIENTS, MEASURED},
    ),
    "a later query looks at itself alone": (
        "layers.masks:causal_mask", ".tril(S - T)", ".tril(S - T).triu(S - T)",
        {LLAMA, GPT2, SINGLE, PAST, CACHE, LOSS, GRADIENTS},
    ),
}  # fmt: skip


@pytest.fixture(autouse=True)
def one_thread():
    """Tiny products are faster on one thread."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def passed(tmp_path_factory):
    """The run of a workspace of solutions."""
    folder, one = tmp_path_factory.mktemp("p4"), project.find("transformer")
    solutions(one, folder / "mine")
    return project_run.run(one, folder / "runs", workspace=folder / "mine")


def test_every_gate_is_one_that_some_mistake_fails():
    caught = set().union(*(gates for *_, gates in MISTAKES.values()))
    assert {one.name for one in declared.TRANSFORMER.gates} == caught


def test_the_solutions_pass_every_gate_and_all_of_them_ran(passed):
    assert [one for one in passed.verdicts if not one.passed] == []
    assert passed.passed
    assert [one.part.of for one in passed.parts.standings if not one.calls] == []


@pytest.mark.reference
@pytest.mark.parametrize("name", ["llama", "gpt2"])
def test_the_reference_is_what_transformers_computes(passed, name):
    from transformers import AutoModelForCausalLM

    kept = safetensors.torch.load_file(passed.folder / f"reference-{name}.safetensors")
    folder = passed.folder / "models" / name
    theirs = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager")
    narrow = theirs(kept["tokens"]).logits
    torch.testing.assert_close(kept["float32"], narrow, rtol=7e-5, atol=7e-5)
    wide = theirs.double()
    logits = wide(kept["tokens"]).logits
    # their rotary angles and norms pass through float32, whatever the model's type
    tolerance = 1e-5 if name == "llama" else 4e-10
    torch.testing.assert_close(kept["logits"], logits, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("says", MISTAKES)
def test_each_mistake_fails_at_its_gates_and_nowhere_else(says, tmp_path):
    part, right, wrong, gates = MISTAKES[says]
    one = project.find("transformer")
    spoil(solutions(one, tmp_path / "mine")[part], right, wrong)
    outcome = project_run.run(one, tmp_path / "runs", workspace=tmp_path / "mine")
    assert {one.gate.name for one in outcome.verdicts if not one.passed} == gates
    assert all(one.value is not None for one in outcome.verdicts)


def test_a_model_that_is_not_finite_passes_nothing_but_what_it_did_not_touch(tmp_path):
    one = project.find("transformer")
    files = solutions(one, tmp_path / "mine")
    spoil(files["layers.losses:cross_entropy"], "return ", "return float('nan') * ")
    outcome = project_run.run(one, tmp_path / "runs", workspace=tmp_path / "mine")
    failed = {one.gate.name for one in outcome.verdicts if not one.passed}
    assert failed == {LOSS, GRADIENTS, MEASURED}
