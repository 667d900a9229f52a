"""The mark of inputs that are outputs of a frozen network, kept from before."""

EXTRACTED = "extracted"
"""Key of ``Inputs.extras``; its value is how many tokens a unit of the input gave."""
