"""Whole runs as functions that return configs, and nothing else."""
