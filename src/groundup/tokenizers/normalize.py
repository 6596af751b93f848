"""Normalisation: one way of writing for texts that Unicode, or people, can write in several.

Source: Unicode Standard Annex #15 for the forms.
"""

import unicodedata
from dataclasses import dataclass
from typing import Literal, Protocol


class Normalizer(Protocol):
    """Changes a text before it is cut into pieces."""

    def __call__(self, text: str) -> str:
        """The text in its normal form."""
        ...


@dataclass(frozen=True)
class Form:
    """One of Unicode's four forms."""

    name: Literal["NFC", "NFD", "NFKC", "NFKD"]

    def __call__(self, text: str) -> str:
        """The text in that form."""
        return unicodedata.normalize(self.name, text)
