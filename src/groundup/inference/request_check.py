"""What is refused before it gets in line: a request that the model cannot take."""

from groundup.inference.request import Request


def check(request: Request, *, vocab_size: int, room: int) -> None:
    """Raises ValueError, with the numbers. `room`: most tokens of one sequence."""
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
    _check_ids(request, vocab_size)
    for top in (request.logprobs, request.prompt_logprobs):
        if top is not None and not 0 <= top <= vocab_size:
            raise ValueError(
                f"log-probabilities of {top} tokens are wanted; the vocabulary has {vocab_size}"
            )


def _check_ids(request: Request, vocab_size: int) -> None:
    biased = [token for token, _ in request.logit_bias]
    ids = [*request.prompt, *(request.first_ids or ()), *biased, *request.stop_ids]
    if wrong := [token for token in ids if not 0 <= token < vocab_size]:
        raise ValueError(
            f"token id {wrong[0]} is not in the model's vocabulary of {vocab_size}; "
            "the tokenizer must be the one the model was trained with"
        )
