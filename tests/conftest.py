"""What holds for every test."""

import hypothesis

# Examples are judged by what they find, not by the clock of a machine that is busy with others.
hypothesis.settings.register_profile("house", deadline=None, max_examples=50)
# `make test-fast` looks at fewer of them.
hypothesis.settings.register_profile("fast", deadline=None, max_examples=12)
hypothesis.settings.load_profile("house")
