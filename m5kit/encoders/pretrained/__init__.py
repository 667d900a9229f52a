"""Encoders around pretrained networks of other libraries."""
