"""Heads: small readouts for downstream tasks; one file a component."""
