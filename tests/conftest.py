"""What holds for every test."""

import hypothesis

# Examples are judged by what they find, not by the clock of a machine that is busy with others.
hypothesis.settings.register_profile("house", deadline=None)
hypothesis.settings.load_profile("house")
