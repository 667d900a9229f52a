"""How long a run is, of what its config says in steps, in passes over the items and in minutes."""

import math

from m5kit.config.sections import Schedule


def most_steps(schedule: Schedule, items: int) -> float:
    """The most steps of a run; infinite where only its minutes end it.

    Args:
        schedule: of the run.
        items: how many it trains on.
    """
    passes = math.inf
    if schedule.epochs is not None:
        passes = math.ceil(schedule.epochs * items / (schedule.batch_size * schedule.accumulate))
    return passes if schedule.minutes is not None else min(passes, schedule.max_steps)


def length(schedule: Schedule, items: int) -> str:
    """The length for a reader, to be followed by the size of a step.

    Args:
        schedule: of the run.
        items: how many it trains on.

    Example:
        >>> length(Schedule(max_steps=40), 100), length(Schedule(minutes=1.0, epochs=4, batch_size=10), 100)
        ('40 steps', '1 minute in steps (at most 40)')
    """
    steps = most_steps(schedule, items)
    if schedule.minutes is None:
        return f"{steps} steps"
    minutes = f"{schedule.minutes:g} minute{'' if schedule.minutes == 1 else 's'}"
    return f"{minutes} in steps" if math.isinf(steps) else f"{minutes} in steps (at most {steps})"
