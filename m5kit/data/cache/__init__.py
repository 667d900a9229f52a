"""The cache on disk: prepared inputs and outputs of frozen encoders, computed once and read afterwards."""
