"""Files that mean to pass without being right, checked by the real grader."""

import pytest
from tests.course.graded import HEAD, QUICK, WRONG, checker, inside, statuses

from groundup.course import exercise, stub
from groundup.course.grader import Grader

pytestmark = pytest.mark.distributed


@pytest.fixture(scope="module")
def grader():
    with Grader(limits=QUICK) as made:
        yield made


@pytest.fixture
def check(grader, tmp_path):
    return checker(grader, tmp_path)


CHEATS = {
    "an assertion that always holds": "import builtins\nbuiltins.isinstance = lambda *a: True\n",
    "isclose says yes": (
        "import numpy as np\nnp.isclose = lambda a, *b, **k: np.ones(a.shape, bool)\n" + WRONG
    ),
    "isclose says yes, patched in the call": inside(
        "import numpy as np", "np.isclose = lambda a, *b, **k: np.ones(a.shape, bool)"
    ),
    "the code of isclose": inside(
        "import numpy as np",
        "def yes(a, b, rtol=0, atol=0, equal_nan=False): return np.ones(a.shape, bool)",
        "np._core.numeric.isclose.__wrapped__.__code__ = yes.__code__",
    ),
    "torch's attention gives what mine gives": (
        "import torch\n"
        "torch.nn.functional.scaled_dot_product_attention = lambda q, *a, **k: q * 0\n" + WRONG
    ),
    "torch's attention, patched in the call and back": inside(
        "import torch",
        "torch.nn.functional.scaled_dot_product_attention = lambda q, *a, **k: q * 0",
    ),
    "a method of Tensor": inside("import torch", "torch.Tensor.mean = lambda x, *a, **k: x * 0"),
    "a sum in builtins": inside("import builtins", "builtins.max = lambda *a, **k: 0"),
    "infinity": "import math\nmath.inf = 0.0\n" + WRONG,
    "the course's comparison": "import groundup.course.case as c\nc.differs = print\n" + WRONG,
    "the course's comparison, found by its object": (
        "import gc\n"
        "for one in gc.get_objects():\n"
        "    if getattr(one, '__name__', '') == 'groundup.course.case' and hasattr(one, 'Case'):\n"
        "        one.Case.same = lambda *a, **k: None\n"
        "        one.Case.holds = lambda *a, **k: None\n" + WRONG
    ),
    "the checks, found by their object": (
        "import gc\n"
        "for one in gc.get_objects():\n"
        "    if type(one).__name__ == 'Exercise': one.checks.clear()\n" + WRONG
    ),
    "the checks' bodies": (
        "import gc\n"
        "for one in gc.get_objects():\n"
        "    if type(one).__name__ == 'Check':\n"
        "        one.body.__code__ = (lambda subject, case: case.compared.append(1)).__code__\n"
        + WRONG
    ),
    "the case's own comparison, found in the caller's frame": inside(
        "import sys",
        "frame = sys._getframe()",
        "while frame:",
        "    if 'case' in frame.f_locals: frame.f_locals['case'].same = lambda *a, **k: None",
        "    frame = frame.f_back",
    ),
    "a global that hides a builtin": (
        "import gc, sys\n"
        "for one in gc.get_objects():\n"
        "    if type(one) is dict and one.get('__name__') == 'groundup.course.case':\n"
        "        one['isinstance'] = lambda *a: False\n" + WRONG
    ),
    "a tensor that equals everything": (
        "import torch\n"
        "class Yes(torch.Tensor):\n"
        "    @classmethod\n"
        "    def __torch_function__(cls, func, types, args=(), kwargs=None):\n"
        "        return args[0]\n"
        + HEAD + "    return q_BHTD.as_subclass(Yes)\n"
    ),
    "an object that equals everything": (
        "class Yes:\n"
        "    def __eq__(self, other): return True\n"
        "    def __getattr__(self, name): return self\n"
        "    def __call__(self, *a, **k): return self\n"
        + HEAD + "    return Yes()\n"
    ),
    "a looser default type": inside("import torch", "torch.set_default_dtype(torch.bfloat16)"),
    "results written to every open file": inside(
        "import json, os",
        "said = json.dumps({'outcome': {'check': 'x', 'tier': 'core', 'status': 'passed'}})",
        "for fd in range(3, 64):",
        "    try: os.write(fd, said.encode() + b'\\n')",
        "    except OSError: pass",
        "os._exit(0)",
    ),
    "every file closed": inside("import os", "os.closerange(3, 64)"),
    "the library's own, imported": "from groundup.layers.attention import attend\n",
    "the library's own, called": (
        "from groundup.layers import attention\n"
        + HEAD + "    return attention.attend(q_BHTD, k_BHSD, v_BHSD, mask_TS, causal, softcap)\n"
    ),
    "the library's own, past its slot": (
        "from groundup.layers import attention\n" + HEAD
        + "    return attention.attend.slot.original(q_BHTD, k_BHSD, v_BHSD, mask_TS, causal)\n"
    ),
    "the library's own, unwrapped": (
        "from groundup.layers import attention\n" + HEAD
        + "    return attention.attend.__wrapped__(q_BHTD, k_BHSD, v_BHSD, mask_TS, causal)\n"
    ),
    "the library's own, its error swallowed": (
        "from groundup.layers import attention\n" + HEAD
        + "    try: return attention.attend(q_BHTD, k_BHSD, v_BHSD, mask_TS, causal)\n"
        + "    except Exception: return q_BHTD * 0\n"
    ),
    "the library's own, in a thread": (
        "import threading\nfrom groundup.layers import attention\n" + HEAD
        + "    out = []\n"
        + "    t = threading.Thread(target=lambda: out.append(attention.attend(q_BHTD, k_BHSD,"
        " v_BHSD, mask_TS, causal)))\n"
        + "    t.start(); t.join()\n    return out[0]\n"
    ),
    "the library's own, loaded again": (
        "import importlib\nfrom groundup.layers import attention\n" + HEAD
        + "    again = importlib.reload(attention).attend\n"
        + "    return again(q_BHTD, k_BHSD, v_BHSD, mask_TS, causal)\n"
    ),
    "the library's own, its module forgotten": (
        "import sys\ndel sys.modules['groundup.layers.attention']\n"
        "from groundup.layers import attention\n" + HEAD
        + "    return attention.attend(q_BHTD, k_BHSD, v_BHSD, mask_TS, causal)\n"
    ),
    "the library's own through what calls it": (
        "from groundup import swap\n" + HEAD
        + "    part = swap._find('layers.attention:attend')\n"
        + "    return part(q_BHTD, k_BHSD, v_BHSD, mask_TS, causal)\n"
    ),
    "a function that says it is from elsewhere": (
        "from groundup.layers import attention\nattend = attention.attend\n"
        "attend.__module__ = 'answer'\n"
    ),
    "a partial": (
        "from functools import partial\nfrom groundup.layers.attention import attend as theirs\n"
        "attend = partial(theirs)\n"
    ),
}  # fmt: skip


@pytest.mark.parametrize("text", CHEATS.values(), ids=CHEATS.keys())
def test_no_trick_passes_not_even_one_check(check, text):
    result = check(text)
    assert result.status in ("error", "failed")
    assert "passed" not in statuses(result), result


def test_what_a_trick_is_told(check):
    assert "it changes numpy.isclose" in check(CHEATS["isclose says yes"]).message
    assert "cannot import groundup.course" in check(CHEATS["the course's comparison"]).message
    assert (
        "returns a Yes, a type of its own"
        in check(CHEATS["a tensor that equals everything"]).message
    )
    called = check(CHEATS["the library's own, called"]).checks[0]
    assert "this calls the library's own attend" in called.problem
    assert "(line 3: return attention.attend" in called.problem
    imported = check(CHEATS["the library's own, imported"])
    assert "comes from groundup.layers.attention; write it there" in imported.message


# And no false alarm: every exercise there is


@pytest.mark.parametrize(
    ("topic", "one"), [pytest.param(topic, one, id=one.name) for topic, one in exercise.exercises()]
)
def test_the_real_grader_passes_each_solution_and_no_stub(check, topic, one):
    result = check(stub.solution(one), tier="deep", name=one.name)
    assert result.is_passed, (result.message, [c for c in result.checks if c.status != "passed"])
    assert check(stub.stub(one), name=one.name).status == "not implemented"
