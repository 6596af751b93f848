"""The real grader against files that are right, wrong, broken and wild."""

import json
import os
import signal
import threading
import time
from pathlib import Path

import pytest
from tests.course.graded import (
    ATTENTION,
    CORE,
    HEAD,
    IMPATIENT,
    NAMES,
    QUICK,
    WRONG,
    checker,
    inside,
    statuses,
)

from groundup.course import grader_server, stub, verdict
from groundup.course.grader import Grader

pytestmark = pytest.mark.distributed


@pytest.fixture(scope="module")
def grader():
    with Grader(limits=QUICK) as made:
        yield made


@pytest.fixture
def check(grader, tmp_path):
    return checker(grader, tmp_path)


# What an honest learner meets


def test_a_right_answer_passes_every_declared_check_of_its_tier(check):
    solution = stub.solution(ATTENTION)
    core, deep = check(solution), check(solution, tier="deep")
    assert (core.status, [one.check for one in core.checks]) == ("passed", CORE)
    assert (deep.status, [one.check for one in deep.checks]) == ("passed", NAMES)
    assert core.message == core.output == ""


def test_a_result_says_what_was_checked_and_how(check, tmp_path):
    result = check(stub.solution(ATTENTION), seed=7)
    assert (result.exercise, result.tier, result.seed, result.version) == (
        "attention",
        "core",
        7,
        1,
    )
    assert result.file == str(tmp_path / "attention.py")
    assert len(result.sha256) == 64
    assert 0 < result.seconds < 60
    assert "computing time" in result.kept
    assert verdict.read(json.loads(json.dumps(result.as_dict()))) == result


def test_the_stub_is_not_implemented(check):
    result = check(stub.stub(ATTENTION))
    assert result.status == "not implemented"
    assert set(statuses(result)) == {"not implemented"}
    assert "line" in result.checks[0].problem


def test_a_wrong_answer_fails_with_its_finding_and_the_mistakes_name(check):
    body = "    scores = q_BHTD @ k_BHSD.mT\n    return scores.softmax(-1) @ v_BHSD\n"
    result = check(HEAD + body)
    first = result.checks[0]
    assert (result.status, first.status) == ("failed", "failed")
    assert first.mistake == "the scores are not divided by the root of the head's width"
    assert first.finding.where
    assert first.finding.tolerance
    assert set(first.finding.given) == {"q_BHTD", "k_BHSD", "v_BHSD"}


def test_outcomes_are_told_as_they_are_done(check):
    heard = []
    result = check(stub.solution(ATTENTION), on_outcome=heard.append)
    assert tuple(heard) == result.checks


def test_the_same_seed_gives_the_same_inputs_and_no_seed_another_one(check):
    first, again, other = (check(WRONG, seed=seed).checks[0].finding for seed in (1, 1, 2))
    assert first == again
    assert first != other
    assert check(WRONG).seed != check(WRONG).seed


def test_what_is_printed_is_shown_and_is_no_result(check):
    said = '{"outcome": {"check": "it", "tier": "core", "status": "passed"}}'
    result = check(inside(f"print({said!r})", "import sys", "print('to err', file=sys.stderr)"))
    assert result.status == "failed"
    assert said in result.output
    assert "to err" in result.output


def test_endless_printing_is_cut(check):
    result = check(inside("while True: print('again and again')"))
    assert result.status == "error"
    assert len(result.output) < 20_000
    assert result.output.endswith("[more was printed]")


@pytest.mark.parametrize(
    ("text", "words", "line"),
    [
        ("x = 1\ndef attend(:\n", "line 2: SyntaxError: invalid syntax: def attend(:", 2),
        ("def f():\n  x = 1\n    y = 2\n", "IndentationError", 3),
        ("import os\nimport nothing_of_the_kind\n", "pip install nothing_of_the_kind", 2),
        ("from torch import nothing_of_the_kind\n", "line 1: ImportError: cannot import", 1),
        ("x = 1\ny = x / 0\n" + WRONG, "line 2: ZeroDivisionError: division by zero", 2),
        ("def f(): f()\n\nf()\n" + WRONG, "RecursionError", 1),
        ("x = 1\n", "has no function 'attend'; it has: none", None),
        ("def attention(q): pass\n", "it has: attention", None),
        (WRONG.replace("k_BHSD", "k"), "must have the same names, order and defaults", None),
        ("from torch import tril as attend\n", "attend in attention.py comes from", None),
        ("attend = 3\n", "attend in attention.py comes from int; write it there", None),
        (b"x = '\xff'\n", "is not text in UTF-8", None),
        ("x\0", "null bytes", None),
        ("#" * (1 << 20) + "\n", "bytes; 1,048,576 are the most", None),
        ("", "it has: none", None),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_checked_is_told_why(check, text, words, line):
    result = check(text)
    assert (result.status, result.checks) == ("error", ())
    assert words in result.message
    assert result.line == line


def test_a_file_that_is_not_there_or_a_folder_is_told_so(grader, tmp_path):
    assert "there is no file" in grader.grade("attention", tmp_path / "no.py").message
    assert "cannot be read" in grader.grade("attention", tmp_path).message


def test_an_unknown_exercise_is_refused_with_the_nearest(grader, tmp_path):
    with pytest.raises(
        ValueError, match=r"there is no exercise 'atention'; did you mean attention"
    ):
        grader.grade("atention", tmp_path / "a.py")


def test_windows_line_ends_and_a_byte_order_mark_are_nothing_wrong(check):
    text = "\ufeff" + stub.solution(ATTENTION).replace("\n", "\r\n")
    assert check(text).is_passed


def test_decorated_and_computed_functions_of_the_file_are_the_files(check):
    text = "from functools import cache, wraps\n" + stub.solution(ATTENTION)
    text += "\ninner = attend\n@wraps(inner)\ndef attend(*a, **k):\n    return inner(*a, **k)\n"
    assert check(text).is_passed


# What runs wild


def test_an_endless_loop_ends_is_shown_where_and_the_rest_is_checked(check):
    text = stub.solution(ATTENTION).replace(
        "    G = q_", "    while mask_TS is not None:\n        pass\n    G = q_"
    )
    result = check(text)
    by_name = dict(zip(CORE, result.checks, strict=True))
    stuck = by_name.pop("a mask's False is not looked at")
    assert stuck.status == "error"
    assert "took more than 1 s of computing" in stuck.problem
    assert "while mask_TS is not None" in stuck.problem or "pass" in stuck.problem
    assert {one.status for one in by_name.values()} == {"passed"}


def test_after_two_checks_out_of_time_the_others_are_not_run(check):
    result = check(inside("while True: pass"), tier="deep")
    assert statuses(result) == ["error", "error"] + ["not run"] * (len(NAMES) - 2)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["while True:", "    try:", "        while True: pass", "    except BaseException: pass"],
         "comput"),
        (["import ctypes", "ctypes.string_at(0)"], "segmentation fault"),
        (["import os", "os._exit(0)"], "it ended the process (exit code 0) before the check"),
        (["import os", "os.abort()"], "Python "),
        (["import sys", "sys.exit(0)"], "SystemExit: 0"),
        (["raise KeyboardInterrupt"], "KeyboardInterrupt"),
        (["return attend(q_BHTD, k_BHSD, v_BHSD)"], "RecursionError"),
        (["return bytearray(1 << 40)"], "MemoryError"),
        (["import torch", "return torch.ones(1 << 34)"], "memory"),
        (["import tempfile", "tempfile.TemporaryFile().write(bytes(64 << 20))"], "File too large"),
        (["return input()"], "EOFError"),
        (["import sys", "sys.stdout.close()", "sys.stderr.close()"], ""),
    ],
)  # fmt: skip
def test_what_runs_wild_is_stopped_and_no_pass(check, tmp_path, monkeypatch, lines, words):
    monkeypatch.chdir(tmp_path)
    result = check(inside(*lines))
    said = result.message + " ".join(one.problem for one in result.checks)
    assert result.status in ("error", "failed")
    assert "passed" not in statuses(result)
    assert words in said


@pytest.mark.parametrize(
    "lines",
    [
        ["import time", "time.sleep(1000)"],
        ["import signal", "signal.signal(signal.SIGXCPU, signal.SIG_IGN)", "while True: pass"],
    ],
)
def test_the_clock_stops_what_no_limit_stops(check, lines):
    with Grader(limits=IMPATIENT) as own:
        result = check(inside(*lines), using=own)
    assert result.status == "error"
    assert statuses(result)[2:] == ["not run"] * (len(CORE) - 2)
    assert "it took more than 3 s" in result.checks[0].problem


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("import os\nos._exit(0)\n", "while the file was loaded, it ended the process"),
        ("import sys\nsys.exit(0)\n", "line 2: SystemExit: 0; a file that is checked must not end"),
        ("while True: pass\n", "loading the file took more than 1 s of computing"),
        ("raise KeyboardInterrupt\n", "KeyboardInterrupt"),
        ("import ctypes\nctypes.string_at(0)\n", "while the file was loaded, Python crashed"),
    ],
)
def test_what_runs_wild_while_it_is_loaded_is_told_so(check, text, words):
    result = check(text + WRONG)
    assert (result.status, result.checks) == ("error", ())
    assert words in result.message


def processes_with(word):
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if word.encode() in (folder / "environ").read_bytes():
                found.append(folder.name)
        except OSError:
            continue
    return found


def test_processes_that_it_started_end_with_it(check, tmp_path):
    mark = f"mark_{os.getpid()}_{time.monotonic_ns()}"
    start = f"subprocess.Popen(['sleep', '600'], env={{'MARK': '{mark}'}}, start_new_session=True)"
    result = check(inside("import subprocess", start))
    assert result.status == "failed"
    if "its own processes" not in result.kept:
        pytest.skip("this system gives no process numbers of its own")
    assert processes_with(mark) == []


def test_too_many_processes_are_stopped(check):
    text = inside("import os, time", "while os.fork(): pass", "time.sleep(60)")
    result = check(text)
    assert result.status == "error"
    assert statuses(result)[:2] != ["passed", "passed"]


def test_the_network_is_not_there_where_the_system_can_take_it(check):
    lines = [
        "import socket",
        "try:",
        "    socket.create_connection(('10.255.255.1', 80), timeout=0.2)",
        "except OSError as problem:",
        "    print('errno', problem.errno)",
    ]
    result = check(inside(*lines))
    if "no network" not in result.kept:
        pytest.skip("this system gives no network of its own")
    assert "errno 101" in result.output  # Network is unreachable


def test_processes_of_one_run_can_talk_with_each_other(check):
    lines = [
        "import socket",
        "with socket.create_server(('127.0.0.1', 0)) as server:",
        "    socket.create_connection(server.getsockname(), timeout=5).close()",
        "    print('they talked')",
    ]
    assert "they talked" in check(inside(*lines)).output


def test_a_fork_that_comes_back_does_not_report_twice(check):
    text = stub.solution(ATTENTION).replace(
        "    G = q_", "    import os\n    os.fork()\n    G = q_"
    )
    result = check(text)
    assert [one.check for one in result.checks] == CORE
    assert "did not" not in result.message


# The server


def test_a_killed_server_is_started_again_and_nothing_is_lost(check):
    with Grader(limits=QUICK) as own:
        assert check(WRONG, using=own).status == "failed"
        os.kill(own._server._process.pid, signal.SIGKILL)
        assert check(stub.solution(ATTENTION), using=own).is_passed


def test_a_server_killed_in_mid_check_is_started_again(check):
    text = stub.solution(ATTENTION).replace(
        "    G = q_", "    import time; time.sleep(1)\n    G = q_"
    )
    with Grader(limits=QUICK) as own:
        own.start()
        killer = threading.Timer(1.5, os.kill, (own._server._process.pid, signal.SIGKILL))
        killer.start()
        result = check(text, using=own)
        killer.join()
    assert result.is_passed
    assert [one.check for one in result.checks] == CORE


def test_several_are_checked_at_once(grader, tmp_path):
    files = [tmp_path / f"{number}.py" for number in range(6)]
    for number, path in enumerate(files):
        path.write_text(stub.solution(ATTENTION) if number % 2 else WRONG)
    found = {}

    def grade(path):
        found[path] = grader.grade("attention", path).status

    threads = [threading.Thread(target=grade, args=(path,)) for path in files]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[path] for path in files] == ["failed", "passed"] * 3


def test_a_closed_grader_leaves_no_process_and_can_be_used_again(check):
    own = Grader(limits=QUICK)
    assert check(WRONG, using=own).status == "failed"
    process = own._server._process
    own.close()
    assert process.poll() is not None
    assert check(WRONG, using=own).status == "failed"
    own.close()


def test_a_file_named_like_a_module_of_pythons_harms_nothing(tmp_path, monkeypatch):
    for name in ("torch.py", "random.py", "json.py"):
        (tmp_path / name).write_text("raise SystemExit('the wrong one')\n")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "attention.py").write_text(stub.solution(ATTENTION))
    with Grader(limits=QUICK) as own:
        assert own.grade("attention", tmp_path / "attention.py").is_passed


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "status", "words"),
    [
        (stub.solution(ATTENTION), "passed", ""),
        (inside("print('hello')"), "failed", "hello"),
        (inside("import os", "os._exit(3)"), "error", "exit code 3"),
        ("import numpy as np\nnp.isclose = print\n" + WRONG, "error", "it changes numpy.isclose"),
    ],
)
def test_where_nothing_can_be_forked_a_fresh_process_does_the_same(check, text, status, words):
    with Grader(limits=QUICK, mode="fresh") as own:
        result = check(text, using=own)
    said = result.message + result.output + " ".join(one.problem for one in result.checks)
    assert (result.status, words in said) == (status, True), result


def test_how_a_process_ended_is_said_in_words():
    assert "segmentation fault" in grader_server.said_of(signal.SIGSEGV)
    assert "out of memory" in grader_server.said_of(signal.SIGKILL)
    assert grader_server.said_of(signal.SIGTERM) == f"signal {signal.SIGTERM.value} ended it"
    assert "(exit code 3)" in grader_server.said_of(3 << 8)
