"""Measuring models: bits per byte against compressors, sampled code, tasks, statistics."""
