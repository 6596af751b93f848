"""The stage that makes a chat model: supervised fine-tuning on pairs taken from the corpus."""

from dataclasses import dataclass, field

from groundup.checkpoints import huggingface
from groundup.data.corpus import read_documents
from groundup.data.instructions import InstructionsConfig, conversations
from groundup.finetune.instruct import InstructBatches
from groundup.inference.generate import generate
from groundup.inference.sampling import Sampling
from groundup.models.gpt import GPT
from groundup.pipeline.stage import Work
from groundup.pipeline.training import run_training
from groundup.tokenizers.bpe import BPE
from groundup.tokenizers.chat_template import CHATML, ChatTemplate
from groundup.train.settings import TrainConfig


@dataclass(frozen=True, kw_only=True)
class InstructConfig:
    """What the model is taught to answer, and how."""

    conversations: InstructionsConfig = field(default_factory=InstructionsConfig)
    """How conversations are made from the corpus."""
    train: TrainConfig = field(default_factory=TrainConfig)
    """How the model is trained on them."""
    seed: int = 0
    """Of the order of the conversations."""
    sample_question: str = "Write a Python function `add(a, b)`: Return the sum of a and b."
    """What the model is asked on the way."""
    sample_tokens: int = 60
    """How long its answers are, at most."""


def instruct(work: Work) -> None:
    """Go on from the base model; the loss counts only what the assistant says."""
    config: InstructConfig = work.config
    base, template = work.inputs["pretrain"] / "model", ChatTemplate(CHATML)
    tokenizer = BPE.load(base).with_chat(CHATML, end_token="<|im_end|>")
    model = huggingface.load(base)
    train = config.train
    batches, validation = (
        InstructBatches(
            conversations(read_documents(work.inputs["corpus"], split), config.conversations),
            tokenizer,
            template,
            train.context,
            train.batch_size,
            config.seed,
            progress=work.progress,
        )
        for split in ("train", "validation")
    )
    work.say(
        f"instruct: {batches.conversations:,} conversations from the training documents, "
        f"{validation.conversations:,} from those held out"
    )

    def sampler() -> str:
        return answer(model, tokenizer, template, config.sample_question, config.sample_tokens)

    run_training(work, model, tokenizer, batches, train, validation=validation, sampler=sampler)


def answer(model: GPT, tokenizer: BPE, template: ChatTemplate, question: str, tokens: int) -> str:
    """The likeliest answer to one question."""
    was_training = model.training
    model.eval()
    messages = [{"role": "user", "content": question}]
    prompt, _ = template.encode(messages, tokenizer, add_generation_prompt=True)
    stops = [tokenizer.special_tokens[name] for name in ("<|im_end|>", "<|endoftext|>")]
    greedy = Sampling(temperature=0)
    ids = list(generate(model, prompt, max_tokens=tokens, sampling=greedy, stop_ids=stops))
    model.train(was_training)
    return tokenizer.decode(ids)
