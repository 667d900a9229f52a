"""Sweeps: many trials that differ in one thing each, and which conclusions they allow."""
