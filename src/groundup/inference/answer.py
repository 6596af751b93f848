"""One request under way: from its tokens to text, and when it ends. No tensor.

An answer is given its next tokens one by one and says what that adds: whole characters that cannot
be part of a stop text any more, and, at its end, why it ended.
"""

from collections.abc import Sequence

from groundup.inference.penalties import History
from groundup.inference.request import Delta, FinishReason, Request, TokenLogprob
from groundup.inference.sampling import Chance
from groundup.inference.scheduler import SequenceState
from groundup.inference.speculation import NgramDrafter
from groundup.inference.stopping import StopTexts
from groundup.tokenizers.stream import StreamDecoder, TokenBytes


class Answer:
    """What one request has come to."""

    def __init__(
        self, request: Request, sequence: SequenceState, tokenizer: TokenBytes, *, longest: int
    ) -> None:
        """`longest`: how many tokens prompt and answer may have together, beside `max_tokens`."""
        self.request = request
        self.sequence = sequence
        self.chance = Chance(request.sampling.seed, request.index)
        self.history: History | None = None
        if request.sampling.looks_back:
            self.history = History(request.prompt)
        self.drafter: NgramDrafter | None = None
        """Guesses what comes next, if that is wanted."""
        self.count = 0
        """Tokens drawn so far."""
        self.finish_reason: FinishReason | None = None
        self._stop_reason: str | int | None = None
        self._limit = min(request.max_tokens, longest - len(request.prompt))
        self._decoder = StreamDecoder(tokenizer)
        self._stops = StopTexts(request.stop)
        self._told = False
        self._prompt_logprobs: list[TokenLogprob] = []
        self._error = ""

    @property
    def left(self) -> int:
        """How many more tokens it may have."""
        return self._limit - self.count

    @property
    def may_end(self) -> bool:
        """Whether an end token may come now."""
        return self.count >= self.request.min_tokens

    def score_prompt(self, logprobs: Sequence[TokenLogprob]) -> None:
        """Log-probabilities of the prompt's next tokens."""
        self._prompt_logprobs += logprobs

    def take(self, tokens: Sequence[int], logprobs: Sequence[TokenLogprob] = ()) -> Delta:
        """The next tokens, the end token perhaps among them; what comes after an end is dropped.

        With no tokens: all that could be had was read (for a request of 0 tokens).
        """
        text, kept = "", 0
        for token in tokens:
            self.chance.draw()
            if token in self.request.stop_ids:
                self._finish("stop", token)
                break
            text += self._add(token)
            kept += 1
            if self.finish_reason is not None:
                break
        if self.left <= 0 and self.finish_reason is None:
            self._finish("length")
        if self.finish_reason is not None and self._stops.found is None:
            text += self._stops.push(self._decoder.flush()) + self._stops.flush()
        return self._delta(tuple(tokens[:kept]), text, tuple(logprobs[:kept]))

    def fail(self, problem: str) -> Delta:
        """Something went wrong with this request."""
        self._finish("error")
        self._error = problem
        return self._delta((), self._stops.flush(), ())

    def _add(self, token: int) -> str:
        self.count += 1
        if self.history is not None:
            self.history.add(token)
        text = self._decoder.push(token)
        if self.count > self.request.min_tokens:
            text = self._stops.push(text)
            if self._stops.found is not None:
                self._finish("stop", self._stops.found)
                return text
        if self.request.grammar is not None:
            self.request.grammar.accept(token)
            if self.request.grammar.is_finished():
                self._finish("stop")
        if self.left <= 0 and self.finish_reason is None:
            self._finish("length")
        return text

    def _finish(self, reason: FinishReason, detail: str | int | None = None) -> None:
        self.finish_reason, self._stop_reason = reason, detail

    def _delta(
        self, tokens: tuple[int, ...], text: str, logprobs: tuple[TokenLogprob, ...]
    ) -> Delta:
        first, self._told = not self._told, True
        return Delta(
            request_id=self.sequence.id,
            tokens=tokens,
            text=text,
            logprobs=logprobs,
            prompt_logprobs=tuple(self._prompt_logprobs) if first else (),
            finish_reason=self.finish_reason,
            stop_reason=self._stop_reason,
            cached_tokens=(self.sequence.cached or 0) if first else 0,
            error=self._error,
        )
