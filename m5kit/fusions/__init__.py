"""Fusions: the tokens of all modalities become one view of an item; one file a component."""
