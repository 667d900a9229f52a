"""How items are shared out among the processes of a run: in one piece each, as evenly as whole items allow."""


def shares(items: int, processes: int) -> list[int]:
    """How many of the items each process takes.

    Example:
        >>> shares(256, 3)
        [86, 85, 85]
    """
    least, more = divmod(items, processes)
    return [least + (rank < more) for rank in range(processes)]
