"""Turns what others keep products in into a folder with a manifest."""
