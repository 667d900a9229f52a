"""Decoders: a path, a text or a table becomes an array, with caps on size and one clear error."""
