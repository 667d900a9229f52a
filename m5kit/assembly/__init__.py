"""Builds what a checked config names: model, data, caches."""
