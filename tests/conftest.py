"""What holds for every test."""

import gc

import hypothesis

# Examples are judged by what they find, not by the clock of a machine that is busy with others, and
# drawn from the test's own source: the same tree passes or fails the same way on every run.
hypothesis.settings.register_profile("house", deadline=None, max_examples=50, derandomize=True)
# `make test-fast` looks at fewer of them.
hypothesis.settings.register_profile("fast", deadline=None, max_examples=12, derandomize=True)
# `make hunt` draws new ones each time: for whoever looks for what is still wrong.
hypothesis.settings.register_profile("hunt", deadline=None, max_examples=200)
hypothesis.settings.load_profile("house")


def pytest_collection_finish():
    """What was imported stays; a collection of garbage need not look at a million objects again."""
    gc.collect()
    gc.freeze()
