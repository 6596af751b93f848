"""Reverse-mode differentiation over NumPy: tensor, rules, modules."""
