"""Metrics of embeddings: retrieval, classification, clustering; pure functions and the metrics built on them."""
