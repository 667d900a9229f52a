"""Descriptors: fixed statistics of raw inputs that stand beside what a model learns; one file a component."""
