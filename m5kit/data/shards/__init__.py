"""Shards: a data set as a few large tar files, written once and read by offset; docs/howto/shards.md."""
