"""Balancers: how the losses of several pretext tasks become the one that is optimised."""
