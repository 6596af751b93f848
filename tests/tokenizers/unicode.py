"""Characters for tests: Hugging Face's tables are of Unicode 16 (BERT's of 8), Python 3.11's of 14.

Characters that were assigned in between are compared by nobody: texts are made of those that this
Python knows, and for BERT of those that it and an old table class alike.
"""

import functools
import unicodedata

from hypothesis import strategies as st

texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cn", "Cs"]))
"""Any text of characters this Python knows."""
MARKED = (
    "aeno ﬁÅÀ각한\u1112\u1161\u11ab\u0300\u0301\u0308"
    "\u0323\u0328\u0344\u05b0\u3099がカ\uff9e\u0b47\u0b3e"
)
"""Characters that Unicode's forms join, take apart and put in another order."""
marked_texts = st.text(st.sampled_from(MARKED), max_size=12)


@functools.lru_cache(maxsize=1)
def known() -> tuple[str, ...]:
    """All characters this Python knows, but for 137 000 of private use, which are all alike."""
    every = map(chr, [*range(0xD800), *range(0xE000, 0x110000)])
    return tuple(c for c in every if unicodedata.category(c) not in ("Cn", "Co"))
