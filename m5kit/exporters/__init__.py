"""Exporters: embeddings in the formats of other programs."""
