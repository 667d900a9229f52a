"""``m5kit VERB ...``: finds the verb and runs it."""


def main() -> int:
    """Placeholder until the verbs land."""
    return 0
