"""An engine to which anything may happen in any order tells the truth and keeps nothing."""

import contextlib

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.inference.paged_oracle import answer_by_hand, embedded_by_hand
from tests.inference.test_engine import ENGINES, Told, engine, request

EVENTS = st.lists(
    st.tuples(
        st.sampled_from(
            [*["submit", "step"] * 2, "cancel", "embed", "text", "text", "fault", "stop"]
        ),
        st.integers(0, 5),
    ),
    max_size=40,
)


class Anything:
    """An engine to which anything may happen, and what it has told."""

    def __init__(self, served):
        self.served = served
        self.prompts, self.told, self.texts, self.vectors = {}, {}, {}, {}

    def happen(self, event, number):
        getattr(self, event)(number)

    def submit(self, number):
        prompt = [1, 2, 3, 4, 5, 6, 7][: number + 1] * (1 + number % 2)
        request_id = self.served.submit(request(prompt, 9))
        self.prompts[request_id], self.told[request_id] = prompt, Told()

    def step(self, _number=0):
        with contextlib.suppress(KeyboardInterrupt):
            for delta in self.served.step():
                if delta.request_id in self.texts:
                    assert delta.request_id not in self.vectors, "a text's vector comes once"
                    self.vectors[delta.request_id] = delta
                else:
                    self.told[delta.request_id].hear(delta)

    def cancel(self, number):
        self.told.pop(number, None)
        self.texts.pop(number, None)
        self.served.cancel(number)

    def embed(self, number):
        with contextlib.suppress(KeyboardInterrupt):
            [vector] = self.served.embed([[number] * 9])
            np.testing.assert_allclose(vector, embedded_by_hand([number] * 9), atol=1e-5)

    def text(self, number):
        self.texts |= {i: [number] * 7 for i in self.served.submit_embeddings([[number] * 7] * 2)}

    def fault(self, _number):
        self.served.backend.fault = RuntimeError()

    def stop(self, _number):
        self.served.backend.fault = KeyboardInterrupt()


@settings(max_examples=150)
@given(events=EVENTS, built=ENGINES)
def test_whatever_happens_those_who_end_well_were_told_the_truth(events, built):
    one = Anything(engine(**built))
    for event, number in events:
        one.happen(event, number)
    for _ in range(1000):
        one.step()
        if not one.served.has_work():
            break
    stats = one.served.stats()
    assert (stats.running, stats.waiting) == (0, 0)
    assert stats.blocks_free == stats.blocks_total
    for request_id, told in one.told.items():
        right = answer_by_hand(one.prompts[request_id], 9)
        assert told.last.finish_reason in ("length", "error")
        assert told.tokens == right[: len(told.tokens)]
        assert told.last.finish_reason == "error" or told.tokens == right
    assert set(one.texts) <= set(one.vectors)
    for text_id, prompt in one.texts.items():
        np.testing.assert_allclose(one.vectors[text_id].vector, embedded_by_hand(prompt), atol=1e-5)
