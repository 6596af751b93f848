"""What is refused before it gets in line: a request that the model cannot take."""

from collections.abc import Collection

from groundup.inference.request import Request
from groundup.tokenizers.stream import TokenBytes


def unknown_ids(tokenizer: TokenBytes, vocab_size: int) -> frozenset[int]:
    """The ids of a model that its tokenizer has no token for: a vocabulary is often padded."""
    return frozenset(token for token in range(vocab_size) if not _is_known(tokenizer, token))


def _is_known(tokenizer: TokenBytes, token: int) -> bool:
    try:
        tokenizer.token_bytes(token)
    except ValueError:
        return False
    return True


def check(
    request: Request, *, vocab_size: int, room: int, unknown: Collection[int] = frozenset()
) -> None:
    """Raises ValueError, with the numbers.

    `room`: most tokens of one sequence; `unknown`: ids that stand for nothing.
    """
    length = len(request.prompt)
    if length == 0:
        raise ValueError("a prompt is empty; give at least one token, such as <|endoftext|>")
    if length > room:
        raise ValueError(
            f"the prompt is {length} tokens long, and there is room for {room}; shorten it"
        )
    if request.max_tokens < 0 or request.min_tokens < 0:
        raise ValueError(
            f"max_tokens is {request.max_tokens} and min_tokens {request.min_tokens}; "
            "they must be 0 or more"
        )
    if request.first_ids is not None and not request.first_ids:
        raise ValueError("first_ids is empty; give the tokens an answer may begin with, or None")
    _check_ids(request, vocab_size, unknown)
    for top in (request.logprobs, request.prompt_logprobs):
        if top is not None and not 0 <= top <= vocab_size:
            raise ValueError(
                f"log-probabilities of {top} tokens are wanted; the vocabulary has {vocab_size}"
            )


def _check_ids(request: Request, vocab_size: int, unknown: Collection[int]) -> None:
    biased = [token for token, _ in request.logit_bias]
    ids = [*request.prompt, *(request.first_ids or ()), *biased, *request.stop_ids]
    if wrong := [token for token in ids if not 0 <= token < vocab_size]:
        raise ValueError(
            f"token id {wrong[0]} is not in the model's vocabulary of {vocab_size}; "
            "the tokenizer must be the one the model was trained with"
        )
    if wrong := [token for token in ids if token in unknown] if unknown else []:
        raise ValueError(
            f"token id {wrong[0]} stands for nothing: the model has {vocab_size} ids, and its "
            f"tokenizer has no token for {len(unknown)} of them; leave it out"
        )
