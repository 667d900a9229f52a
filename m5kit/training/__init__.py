"""Training: the step, the loop around it, and what happens on the way."""
