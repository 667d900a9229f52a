"""Encoders: the inputs of one modality become tokens; one file a component."""
