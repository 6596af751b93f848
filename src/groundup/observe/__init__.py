"""Seeing what runs: metrics, logs, progress, profiles."""
