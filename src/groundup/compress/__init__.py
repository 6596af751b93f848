"""Making models smaller: quantisation, pruning, distillation."""
