"""Hooks for the mmengine Runner: logging, checkpoints."""
