"""Train, look at and compare tokenizers: train, encode, decode, show, compare, glitch.

groundup tokenizer train bpe --vocab-size 32768 --files 'corpus/**/*.txt' --out my-tok
groundup tokenizer show my-tok "Hello, world"
groundup tokenizer compare my-tok gpt2/tokenizer.json --files 'corpus/**/*.txt'
"""

import importlib
import inspect
import sys

CHAPTER = "make"
COMMANDS = {
    "train": ("_tokenizer_train", "learn a vocabulary from files of text"),
    "encode": ("_tokenizer_text", "text to ids"),
    "decode": ("_tokenizer_text", "ids to text"),
    "show": ("_tokenizer_text", "a text's tokens in colour, and with --why how they came about"),
    "compare": ("_tokenizer_compare", "several tokenizers on the same text: a table and a plot"),
    "glitch": ("_tokenizer_glitch", "tokens that a trained model hardly knows"),
}
"""Each command's file beside this one, and what it does."""


def run(arguments: list[str]) -> int:
    """Find the command, import only its file, run it."""
    if not arguments or arguments[0] in ("-h", "--help"):
        print(contents())
        return 0 if arguments else 2
    command = arguments[0]
    if command not in COMMANDS:
        raise ValueError(f"there is no command {command!r}; there are: {', '.join(COMMANDS)}")
    module = importlib.import_module(f"groundup.cli.{COMMANDS[command][0]}")
    return int(getattr(module, command)(arguments[1:]))


def contents() -> str:
    """The help text: every command with a sentence."""
    lines = [inspect.cleandoc(__doc__ or ""), "", "commands:"]
    lines += [f"  {name:<8} {summary}" for name, (_, summary) in COMMANDS.items()]
    lines += [
        "",
        "TOKENIZER is a folder, a tokenizer.json, a .tiktoken file (or .tiktoken.gz),",
        "SentencePiece's .model, or a .gguf file.",
        "`groundup tokenizer COMMAND --help` explains a command. What a tokenizer does to a model:",
        "`groundup build six_tokenizers`.",
    ]
    return "\n".join(lines)


def note(text: str) -> None:
    """A line beside the result, so that a pipe holds the result alone."""
    print(text, file=sys.stderr, flush=True)
