import pytest
import torch

from m5kit.api import Exporter, Fusion, Metric
from m5kit.testing import ConformanceError, check_fusion
from m5kit.testing.report import Skip
from m5kit.testing.returned import fits, returns_told


class Nothing(Fusion):
    """Forgets what it made."""

    def __init__(self, *, modalities: tuple[str, ...], dim: int) -> None:
        super().__init__()
        self.modalities, self.dim = modalities, dim

    def forward(self, tokens, weights):
        """Nothing at all."""


def test_a_wrong_type_is_told_in_the_words_of_the_contract():
    with pytest.raises(ConformanceError) as raised:
        check_fusion(Nothing)
    assert raised.value.report.failed["output_is_well_formed"].endswith("But: forward() returns None; expected Fused")
    assert "AttributeError" not in str(raised.value)
    assert Nothing.forward.__doc__ == "Nothing at all."
    assert Nothing.forward(None, None, None) is None  # only the kit looks


class Wrong(Metric, Exporter):
    """Returns members of wrong types."""

    def requests(self):
        """Names and no requests."""
        return ["test"]

    def write(self, embedded, path):
        """One name and no files."""
        return "a.npz"


def use(contract, call, error):
    with returns_told(Wrong, contract):
        call()
        raise error


@pytest.mark.parametrize(
    ("contract", "call", "said"),
    [
        (
            Metric,
            lambda: Wrong.requests(None),
            r"requests\(\) returns a list of str; expected tuple\[Request, \.\.\.\]",
        ),
        (Exporter, lambda: Wrong.write(None, None, None), r"write\(\) returns a str; expected Sequence\[Path\]"),
    ],
)
def test_members_are_looked_at_too(contract, call, said):
    with pytest.raises(AssertionError, match=said):
        use(contract, call, AttributeError("no such attribute"))


def test_what_a_check_says_itself_stays():
    with pytest.raises(AssertionError, match=r"^it gives names$"):
        use(Metric, lambda: Wrong.requests(None), AssertionError("it gives names"))
    with pytest.raises(Skip):
        use(Metric, lambda: Wrong.requests(None), Skip("for others"))
    with returns_told(Wrong, Metric):
        Wrong.requests(None)  # nothing fell over it


def test_numbers_of_other_libraries_are_numbers():
    assert fits(torch.tensor(0.5), float)
    assert fits(torch.tensor(3), int)
    assert not fits("3", float)
    assert not fits((1, "a"), tuple[int, int])
