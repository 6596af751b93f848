import pytest

from groundup.tokenizers.show import shown_tokens, visible


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        (b" a\tb\n", "·a→b↵"),
        (b"\r\x00\x7f", "␍␀␡"),
        ("é😀ש".encode(), "é😀ש"),
        ("😀".encode()[:2], "⟨f0⟩⟨9f⟩"),
        ("\u200e\u00a0".encode(), "⟨U+200E⟩⍽"),
        (b"", ""),
    ],
)
def test_what_cannot_be_seen_is_made_visible(data, wanted):
    assert visible(data) == wanted
    assert visible(data).isprintable()


def test_tokens_are_shown_in_order_and_line_ends_are_known(small):
    text = "def area():\n    return 😀\n"
    tokens = shown_tokens(small, small.encode(text))
    assert [shown.token for shown in tokens] == small.encode(text)
    assert [shown.ends_line for shown in tokens].count(True) >= 1
    kept = "".join(shown.text for shown in tokens if "⟨" not in shown.text)
    assert kept.startswith("def·area():↵")


def test_an_id_outside_the_vocabulary_is_refused(small):
    with pytest.raises(ValueError, match="there is no token 1024"):
        shown_tokens(small, [1, 1024])
