"""Readouts: how the tokens of one modality become one vector; one file a component."""
