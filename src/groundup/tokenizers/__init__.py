"""Text to ids and back: byte-level BPE, special tokens, chat templates."""
