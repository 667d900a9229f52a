"""Turns what others keep products in into a folder with a manifest."""

SOURCES = ("csv", "parquet", "huggingface", "webdataset", "folder")
"""What :func:`m5kit.data.importers.run.import_source` reads."""

FORMATS = ("jsonl", "arrow", "parquet")
"""What a manifest can be written as."""

FEATURES = ("video", "audio")
"""Modalities of which M5Product has a folder with a feature file an item."""
