"""Post-processing: the special tokens that stand around a text, or around a pair of texts.

BERT was trained on "[CLS] question [SEP] answer [SEP]", and on numbers beside the ids that say
which of the two a token belongs to. A template says so: its places, in order.

Source: Devlin et al. (2019), section 3. Leaves out truncation and padding.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

FIRST, SECOND = "A", "B"


class Place(NamedTuple):
    """One place of a template: a text (`name` is FIRST or SECOND), or a special token's name."""

    name: str
    type_id: int = 0
    """What stands beside the ids of this place: which of the two texts they belong to."""
    is_text: bool = False


Places: TypeAlias = tuple[Place, ...]


@dataclass(frozen=True)
class Template:
    """Where special tokens go around one text, and around two.

    Raises ValueError if `single` does not hold the first text once and no other, or `pair` not each
    of them once.
    """

    single: Places
    pair: Places

    def __post_init__(self) -> None:
        for places, wanted in ((self.single, [FIRST]), (self.pair, [FIRST, SECOND])):
            held = sorted(place.name for place in places if place.is_text)
            if held != wanted:
                raise ValueError(f"a template must hold the texts {wanted}, each once; got {held}")

    @property
    def special_tokens(self) -> set[str]:
        """The names of the special tokens it puts in."""
        return {place.name for place in (*self.single, *self.pair) if not place.is_text}


def template(single: str, pair: str) -> Template:
    """A template as Hugging Face writes it: `"[CLS] $A [SEP]"`, `"[CLS] $A [SEP] $B:1 [SEP]:1"`.

    `$A` and `$B` are the texts, and `:1` is the type id, else 0. Raises ValueError as `Template`.
    """
    return Template(_parse(single), _parse(pair))


def _parse(words: str) -> Places:
    places = []
    for word in words.split():
        name, colon, number = word.rpartition(":")
        if not (colon and number.isdecimal()):
            name, number = word, "0"
        is_text = name in ("$A", "$B")
        places.append(Place(name[1:] if is_text else name, int(number), is_text))
    return tuple(places)


def bert(cls: str = "[CLS]", sep: str = "[SEP]") -> Template:
    """BERT's: the second text, and the token behind it, have type 1."""
    return template(f"{cls} $A {sep}", f"{cls} $A {sep} $B:1 {sep}:1")


def roberta(cls: str = "<s>", sep: str = "</s>") -> Template:
    """RoBERTa's: two tokens between the texts, and all of type 0."""
    return template(f"{cls} $A {sep}", f"{cls} $A {sep} {sep} $B {sep}")


def around(before: Iterable[str] = (), after: Iterable[str] = ()) -> Template:
    """These tokens before a text and these after it; each of two texts has them, the second's are
    of type 1.
    """
    first = [*map(Place, before), Place(FIRST, 0, True), *map(Place, after)]
    second = [Place(SECOND if place.is_text else place.name, 1, place.is_text) for place in first]
    return Template(tuple(first), (*first, *second))


def fill(
    places: Iterable[Place], texts: Mapping[str, Sequence[int]], special_tokens: Mapping[str, int]
) -> tuple[list[int], list[int]]:
    """The ids of the filled template, and each one's type id.

    `texts` has the ids of FIRST, and of SECOND if there is one.
    """
    ids: list[int] = []
    type_ids: list[int] = []
    for place in places:
        some = texts[place.name] if place.is_text else [special_tokens[place.name]]
        ids += some
        type_ids += [place.type_id] * len(some)
    return ids, type_ids
