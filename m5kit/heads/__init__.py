"""Heads: small networks for downstream tasks; one file a component."""
