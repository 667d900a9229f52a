"""Hooks: what happens beside the training of a model."""
