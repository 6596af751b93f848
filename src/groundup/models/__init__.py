"""Whole models: the decoder-only transformer, n-grams, and the architectures that led there."""
