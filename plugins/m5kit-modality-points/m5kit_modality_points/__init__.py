"""A sixth modality: three-dimensional shapes as clouds of points."""
