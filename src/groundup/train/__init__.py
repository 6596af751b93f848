"""The training loop: objectives, precision, accumulation, resume, stability."""
