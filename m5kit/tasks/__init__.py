"""Pretext tasks: what the model learns from without labels; one file a component."""
