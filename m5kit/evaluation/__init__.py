"""What embeddings are worth: retrieval, classification, clustering; pure functions and the metrics built of them."""
