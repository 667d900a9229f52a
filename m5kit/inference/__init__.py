"""Trained runs in use: embedding, evaluation, previews."""
