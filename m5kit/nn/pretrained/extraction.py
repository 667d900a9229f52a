"""The mark of inputs that are cached outputs of a frozen network."""

EXTRACTED = "extracted"
"""Key of ``Inputs.extras``; its value is the number of tokens for each unit of the input."""
