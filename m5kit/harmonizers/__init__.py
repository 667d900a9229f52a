"""Harmonizers: how much each modality and each pair of modalities counts; one file a component."""
