"""What ``import m5kit`` offers to those who use a model: load a run, embed, predict, explain."""
