"""Sweeps: many trials that differ in one thing each, and what their figures allow one to say."""
