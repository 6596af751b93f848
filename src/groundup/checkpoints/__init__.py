"""Models on disk: the training store, Hugging Face folders and GGUF files, in and out."""
