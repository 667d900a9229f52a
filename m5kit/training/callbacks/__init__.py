"""What m5kit does beside the steps of a run: checks, log, hooks, checkpoints."""
