"""Reads files that lie in tar files: found by an index of offsets, in any order, without unpacking."""
