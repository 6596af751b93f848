"""Grammars of one model, compiled once: the same schema comes with request after request."""

import functools
import json
import threading
from collections.abc import Collection
from typing import Any, Literal

from groundup.inference.guided import Grammars, TokenGrammar
from groundup.tokenizers.tokenizer import Tokenizer

Kind = Literal["json", "regex", "choice", "grammar"]
KEPT = 64
"""Grammars that are remembered."""


class Guides:
    """Makes grammars over a tokenizer's vocabulary, which is read when the first is asked for."""

    def __init__(
        self, tokenizer: Tokenizer, end_ids: Collection[int], *, vocab_size: int | None = None
    ) -> None:
        self._make = functools.partial(Grammars, tokenizer, vocab_size=vocab_size, end_ids=end_ids)
        self._grammars: Grammars | None = None
        self._lock = threading.Lock()
        self._compiled = functools.lru_cache(KEPT)(self._compile)

    def compiled(self, kind: Kind, value: Any) -> TokenGrammar:
        """The grammar at its beginning; each answer takes a `copy`. Safe from several threads.

        `value`: a schema (as data or as text), a pattern, texts, or a grammar. Raises ValueError
        for what is none.
        """
        text = value if isinstance(value, str) else json.dumps(value)
        return self._compiled(kind, text)

    def _compile(self, kind: Kind, text: str) -> TokenGrammar:
        with self._lock:
            if self._grammars is None:
                self._grammars = self._make()
        if kind == "regex":
            return self._grammars.regex(text)
        if kind == "choice":
            return self._grammars.choices(json.loads(text))
        if kind == "grammar":
            return self._grammars.grammar(text)
        return self._grammars.json_schema(text)
