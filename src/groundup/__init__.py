"""groundup: from zero to building and running a large language model, every part readable."""
