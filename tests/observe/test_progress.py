"""Progress is said in a terminal and beside one, and costs nothing when silent."""

import pytest

from groundup.observe import progress


def test_silent_accepts_what_the_others_do():
    with progress.silent("x", total=3, unit="steps", done=1) as advance:
        advance()
        advance(2, note="n")


def test_lines_say_share_rate_and_time_left(capsys, monkeypatch):
    clock = iter([0.0, 5.0, 20.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    with progress._lines("training", 100, "steps", 20) as advance:
        advance(10)
        advance(30, note="loss 2.0")
    line = capsys.readouterr().err
    assert line == "  training:  60%, 2.0 steps/s, 20 s left  loss 2.0\n"


def test_the_bar_draws_without_error(capsys):
    with progress._bar("training", 10, "steps", 0) as advance:
        advance(4, note="loss 1.0")
        advance(6)
    assert "training" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 s"), (59.4, "59 s"), (247, "4:07"), (3909, "1:05:09"), (-3, "0 s")]
)
def test_times_read_like_a_clock(seconds, text):
    assert progress.human_time(seconds) == text


@pytest.mark.parametrize(
    ("rate", "text"), [(0.5, "0.5 x/s"), (1500, "1.5k x/s"), (2e6, "2.0M x/s"), (3e9, "3.0G x/s")]
)
def test_rates_are_short(rate, text):
    assert progress.human_rate(rate, "x") == text
