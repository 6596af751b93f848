"""From logits to text: sampling, key-value caches, generation, streaming."""
