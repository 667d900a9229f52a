"""Schedules: how the learning rate changes in the course of a run."""
