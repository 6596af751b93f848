"""The router's decisions: laws of each policy, of health and of retries, on random histories."""

import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from groundup.serve.router import Router, RouterConfig, next_move, prefix_of

URLS = [f"http://127.0.0.1:{port}" for port in range(8001, 8006)]
prefixes = st.binary(min_size=1, max_size=8)


def config(policy="prefix", **settings):
    return RouterConfig(policy=policy, **settings)


def test_round_robin_takes_turns():
    router = Router(URLS, config("round-robin"))
    assert [router.choose(b"", now=0) for _ in range(10)] == URLS * 2


def test_round_robin_leaves_out_who_is_not_ready():
    router = Router(URLS[:3], config("round-robin"))
    router.probed(URLS[1], ready=False)
    assert {router.choose(b"", now=0) for _ in range(6)} == {URLS[0], URLS[2]}


@given(st.lists(st.integers(0, 9), min_size=5, max_size=5))
def test_the_least_loaded_has_the_fewest(loads):
    router = Router(URLS, config("least-loaded"))
    for url, load in zip(URLS, loads, strict=True):
        for _ in range(load):
            router.begin(url)
    for _ in range(7):
        assert router.replicas[router.choose(b"x", now=0)].in_flight == min(loads)


def test_equals_among_the_least_loaded_take_turns():
    router = Router(URLS, config("least-loaded"))
    assert {router.choose(b"", now=0) for _ in range(5)} == set(URLS)


@given(prefixes, st.integers(0, 50))
def test_who_begins_alike_goes_to_the_same_replica(prefix, others):
    router = Router(URLS)
    chosen = router.choose(prefix, now=0)
    for i in range(others):
        router.choose(f"other {i}".encode(), now=0)
    assert router.choose(prefix, now=0) == chosen
    assert Router(list(reversed(URLS))).choose(prefix, now=0) == chosen  # and after a restart


@given(st.integers(0, 4), st.lists(prefixes, min_size=20, max_size=40, unique=True))
def test_a_replica_that_leaves_moves_its_own_share_only(left, keys):
    router = Router(URLS)
    before = {key: router.choose(key, now=0) for key in keys}
    router.probed(URLS[left], ready=False)
    for key in keys:
        after = router.choose(key, now=0)
        assert after != URLS[left]
        assert before[key] in (after, URLS[left])
    router.probed(URLS[left], ready=True)
    assert {key: router.choose(key, now=0) for key in keys} == before


def test_the_ring_is_about_even():
    router = Router(URLS)
    counts = Counter(router.choose(f"prompt {i}".encode(), now=0) for i in range(5000))
    assert set(counts) == set(URLS)
    assert max(counts.values()) < 1.5 * 1000
    assert min(counts.values()) > 0.6 * 1000


@given(st.lists(st.sampled_from([b"same", b"a", b"b"]), max_size=60), st.floats(1, 3))
def test_no_replica_holds_more_than_its_bounded_share(keys, imbalance):
    router = Router(URLS, config(imbalance=imbalance))
    for total, key in enumerate(keys):
        url = router.choose(key, now=0)
        router.begin(url)
        assert router.replicas[url].in_flight <= math.ceil(imbalance * (total + 1) / len(URLS))


def test_without_a_prefix_the_least_loaded_is_taken():
    router = Router(URLS)
    for url in URLS[1:]:
        router.begin(url)
    assert router.choose(b"", now=0) == URLS[0]


def test_failures_in_a_row_eject_and_a_success_takes_back():
    router = Router(URLS[:2], config(failures=2, eject_seconds=10, eject_most_seconds=35))
    bad = URLS[0]

    def fail(now):
        router.begin(bad)
        router.end(bad, ok=False, now=now)

    fail(0)
    router.begin(bad)
    router.end(bad, ok=True, now=0)
    fail(0)
    assert router.replicas[bad].takes_requests(0)  # one of each: not in a row
    fail(1)
    assert not router.replicas[bad].takes_requests(10.9)
    assert router.replicas[bad].takes_requests(11)
    router.begin(bad)
    assert not router.replicas[bad].takes_requests(11)  # one tries, others wait for it
    router.end(bad, ok=False, now=12)
    assert not router.replicas[bad].takes_requests(31.9)  # twice as long
    assert router.replicas[bad].takes_requests(32)
    fail(32)
    assert not router.replicas[bad].takes_requests(66)
    assert router.replicas[bad].takes_requests(67)  # 40 would be, 35 is the most
    router.begin(bad)
    router.end(bad, ok=True, now=70)
    fail(70)
    assert router.replicas[bad].takes_requests(70)


def test_a_client_that_leaves_says_nothing_of_the_replica():
    router = Router(URLS[:1], config(failures=1))
    router.begin(URLS[0])
    router.end(URLS[0], ok=None, now=0)
    replica = router.replicas[URLS[0]]
    assert (replica.failed, replica.answered, replica.broken, replica.in_flight) == (0, 0, 0, 0)


def test_a_probe_takes_an_ejected_replica_back_when_it_was_gone_and_is_ready():
    router = Router(URLS[:1], config(failures=1, eject_seconds=60))
    router.begin(URLS[0])
    router.end(URLS[0], ok=False, now=0)
    assert router.choose(b"x", now=1) is None
    assert router.wait(now=20) == 40
    router.probed(URLS[0], ready=True)  # it answered all the time; the requests failed
    assert router.choose(b"x", now=1) is None
    router.probed(URLS[0], ready=False)
    assert router.wait(now=1) == 1
    router.probed(URLS[0], ready=True)
    assert router.choose(b"x", now=1) == URLS[0]


def test_a_replica_that_was_tried_is_not_chosen_again():
    router = Router(URLS)
    tried = []
    for _ in URLS:
        tried.append(router.choose(b"x", now=0, tried=tried))
    assert sorted(tried) == sorted(URLS)
    assert router.choose(b"x", now=0, tried=tried) is None


class History(RuleBasedStateMachine):
    """Whatever happens, the books balance and a replica that is out is not chosen."""

    def __init__(self):
        super().__init__()
        self.open = []
        self.now = 0.0

    @initialize(policy=st.sampled_from(["round-robin", "least-loaded", "prefix"]))
    def begin(self, policy):
        self.router = Router(URLS, config(policy, failures=2, eject_seconds=4))

    @rule(key=st.sampled_from([b"", b"a", b"b", b"c"]))
    def request(self, key):
        url = self.router.choose(key, now=self.now)
        out = [not r.takes_requests(self.now) for r in self.router.replicas.values()]
        if url is None:
            assert all(out)
            return
        replica = self.router.replicas[url]
        assert replica.ready
        assert replica.ejected_until <= self.now
        self.router.begin(url)
        self.open.append(url)

    @rule(which=st.integers(0, 1000), ok=st.sampled_from([True, False, False, None]))
    def finish(self, which, ok):
        if self.open:
            self.router.end(self.open.pop(which % len(self.open)), ok=ok, now=self.now)

    @rule(which=st.integers(0, 4), ready=st.booleans())
    def probe(self, which, ready):
        self.router.probed(URLS[which], ready=ready)

    @rule(seconds=st.floats(0, 10))
    def wait(self, seconds):
        self.now += seconds

    @invariant()
    def the_books_balance(self):
        assert Counter(self.open) == Counter(
            {url: r.in_flight for url, r in self.router.replicas.items() if r.in_flight}
        )

    @invariant()
    def nobody_is_out_for_ever(self):
        for replica in self.router.replicas.values():
            assert replica.ejected_until <= self.now + 60


TestHistory = History.TestCase


@given(
    status=st.none() | st.sampled_from([200, 400, 401, 404, 429, 500, 502, 503, 504]),
    passed=st.booleans(),
    others=st.booleans(),
    attempt=st.integers(0, 4),
    retries=st.integers(0, 4),
)
def test_a_retry_never_follows_a_byte_that_was_passed_on(status, passed, others, attempt, retries):
    move = next_move(
        status=status, passed=passed, others_left=others, attempt=attempt, retries=retries
    )
    if move == "retry":
        assert not passed
        assert others
        assert attempt < retries
        assert status is None or status in (429, 502, 503, 504)
    elif move == "give up":
        assert status is None
    else:
        assert status is not None
    if status in (400, 401, 404, 500, 200):
        assert move == "pass"  # the request's own fault, or its success


CHAT = "/v1/chat/completions"


def chat(*contents, model="m"):
    roles = ["system", *["user", "assistant"] * len(contents)]
    messages = [
        {"role": role, "content": text} for role, text in zip(roles, contents, strict=False)
    ]
    return {"model": model, "messages": messages}


def test_a_conversation_keeps_its_beginning_as_it_grows():
    first = prefix_of(CHAT, chat("be kind", "hello"), 512)
    assert first
    assert prefix_of(CHAT, chat("be kind", "hello", "hi", "how are you"), 512) == first
    assert prefix_of(CHAT, chat("be kind", "other"), 512) != first
    assert prefix_of(CHAT, chat("be kind", "hello", model="n"), 512) != first


def test_a_long_system_prompt_is_shared():
    long = "You are " + "very " * 200
    assert prefix_of(CHAT, chat(long, "a"), 512) == prefix_of(CHAT, chat(long, "b"), 512)


def test_roles_and_contents_do_not_run_together():
    one = {"messages": [{"role": "system", "content": "ab"}, {"role": "user", "content": "c"}]}
    two = {"messages": [{"role": "system", "content": "a"}, {"role": "user", "content": "bc"}]}
    assert prefix_of(CHAT, one, 512) != prefix_of(CHAT, two, 512)


@pytest.mark.parametrize(
    ("prompt", "same"),
    [("abc", "abcd"), (["abc", "x"], ["abcd", "y"]), ([1, 2, 3], [1, 2, 3]), ([[1, 2]], [1, 2])],
)
def test_the_beginning_of_a_prompt_in_each_of_its_forms(prompt, same):
    def prefix(value):
        return prefix_of("/v1/completions", {"model": "m", "prompt": value}, 3)

    assert prefix(prompt) == prefix(same) != b""


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=4),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["messages", "prompt", "role", "content"]), inner)
        ),
        max_leaves=8,
    ),
    st.sampled_from([CHAT, "/v1/completions", "/v1/embeddings", "/"]),
)
def test_no_body_breaks_it(body, path):
    assert isinstance(prefix_of(path, body, 16), bytes)


@pytest.mark.parametrize("path", ["/v1/embeddings", "/v1/models", "/metrics"])
def test_what_has_no_prompt_has_no_prefix(path):
    assert prefix_of(path, {"prompt": "x", "messages": []}, 16) == b""


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"imbalance": 0.5}, "imbalance is 0.5"),
        ({"imbalance": math.nan}, "imbalance is nan"),
        ({"points": 0}, "points is 0"),
        ({"failures": 0}, "failures is 0"),
        ({"prefix_characters": 0}, "prefix_characters is 0"),
        ({"eject_seconds": 100.0}, "eject_most_seconds"),
        ({"retries": -1}, "retries is -1"),
    ],
)
def test_settings_that_cannot_be(settings, said):
    with pytest.raises(ValueError, match=said):
        RouterConfig(**settings)


def test_replicas_that_cannot_be():
    with pytest.raises(ValueError, match="at least one"):
        Router([])
    with pytest.raises(ValueError, match="twice"):
        Router([URLS[0], URLS[0]])
