"""What a reader sees of the factors of a grid."""

from m5kit.report.factor_tables import factor_tables
from m5kit.runs.study_factors import Effect, FactorEffects, FactorLevel, Interaction

FLAT = Effect(mean=0.5)


def test_factors_come_first_and_then_each_pair():
    level = FactorLevel(
        factor="fusion",
        value="gated",
        variants=4,
        metric="m",
        effect=FLAT,
        gain=Effect(mean=0.02, low=-0.01, high=0.05),
    )
    cells = [
        Interaction(
            factors=("fusion", "lr"),
            values=(fusion, lr),
            metric="m",
            effect=FLAT,
            surplus=Effect(mean=0.01, low=0.0, high=0.02),
        )
        for fusion in ("gated", "mean")
        for lr in ("1", "2")
    ]
    factors, pair = factor_tables(FactorEffects(seeds=[0, 1], levels=[level], interactions=cells))
    assert factors.rows == [["fusion", "gated", "m", "4", "0.500", "+0.020 (-0.010 to +0.050)"]]
    assert "(0, 1)" in factors.note
    assert pair.title == "Interaction of fusion and lr"
    assert pair.headings == ["fusion", "lr=1", "lr=2"]
    assert pair.rows == [[name, *["0.500, +0.010 (+0.000 to +0.020)"] * 2] for name in ("gated", "mean")]
