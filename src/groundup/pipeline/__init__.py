"""The stages of one language model, their artifacts, lineage, resume and report."""
