"""Pretrained networks of other libraries: finding their weights, and training all, some or none of them."""
