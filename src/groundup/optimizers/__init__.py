"""Update rules, from stochastic gradient descent to AdamW and Muon, and learning-rate schedules."""
