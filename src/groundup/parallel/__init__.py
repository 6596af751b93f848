"""One model on many devices: mesh, data, tensor, sequence and pipeline parallelism."""
