"""The tables of a grid: what each value of a factor is worth, and which values depend on each other."""

from collections.abc import Iterator

from m5kit.report.tables import Table
from m5kit.runs.study_factors import Effect, FactorEffects, Interaction


def factor_tables(effects: FactorEffects) -> Iterator[Table]:
    """One table of all factors, then one for each pair of them."""
    seeds = ", ".join(map(str, effects.seeds))
    rows = []
    for level in effects.levels:
        cells = [str(level.variants), _shown(level.effect), _shown(level.gain, sign=True)]
        rows.append([level.factor, level.value, level.metric, *cells])
    note = (
        "Each value over everything else that the grid varies. The gain is against the mean of the whole grid, with "
        f"its interval over the seeds that all variants have ({seeds})."
    )
    yield Table("Factors", ["factor", "value", "metric", "variants", "mean", "gain"], rows, note, words=3)
    for pair in dict.fromkeys(each.factors for each in effects.interactions):
        yield _interaction(pair, [each for each in effects.interactions if each.factors == pair])


def _interaction(pair: tuple[str, str], found: list[Interaction]) -> Table:
    one, other = pair
    columns = list(dict.fromkeys(each.values[1] for each in found))
    rows: dict[str, list[str]] = {}
    for each in found:
        rows.setdefault(each.values[0], []).append(f"{each.effect.mean:.3f}, {_shown(each.surplus, sign=True)}")
    note = (
        f"{found[0].metric}: the mean of both values together, then what it is above the sum of their gains, with its "
        "interval. An interval that holds 0 says that the two factors may simply add up."
    )
    headings = [one, *(f"{other}={value}" for value in columns)]
    return Table(f"Interaction of {one} and {other}", headings, [[name, *cells] for name, cells in rows.items()], note)


def _shown(effect: Effect, sign: bool = False) -> str:
    form = "+.3f" if sign else ".3f"
    if effect.low is None or effect.high is None:
        return f"{effect.mean:{form}}"
    return f"{effect.mean:{form}} ({effect.low:{form}} to {effect.high:{form}})"
