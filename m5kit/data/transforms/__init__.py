"""Transforms: a decoded array becomes the inputs of an encoder."""
