"""From files to batches: corpora, filters, shards, and an order that is a function of the step."""
