"""Classical machine learning: linear models, trees, clustering, metrics."""
