"""Trained runs for other people's tools: folders to share, models that other libraries open."""
