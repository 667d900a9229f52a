import copy
import pickle

import torch
from torch import Tensor

from m5kit.nn.kept import Kept


class Counting:
    """Doubles a tensor, and counts how often."""

    def __init__(self, of: Tensor) -> None:
        self.of, self.times = of, 0

    def __call__(self) -> Tensor:
        self.times += 1
        return 2 * self.of


@torch.inference_mode()
def test_what_did_not_change_is_computed_once():
    with torch.inference_mode(False):
        one = torch.ones(2)
    kept, double = Kept(), Counting(one)
    assert kept((one,), double) is kept((one,), double)
    assert double.times == 1


def test_a_change_in_place_and_another_tensor_are_seen():
    one = torch.ones(2)
    kept, double = Kept(), Counting(one)
    with torch.inference_mode():
        kept((one,), double)
    one.add_(1)
    with torch.inference_mode():
        assert kept((one,), double).tolist() == [4, 4]
        assert kept((one.clone(),), double).tolist() == [4, 4]
    assert double.times == 3


def test_outside_of_inference_mode_nothing_is_kept_so_that_gradients_pass():
    one = torch.ones(2, requires_grad=True)
    kept, double = Kept(), Counting(one)
    with torch.inference_mode():
        kept((one,), double)
    kept((one,), double).sum().backward()
    assert one.grad.tolist() == [2, 2]


def test_a_copy_begins_anew():
    one = torch.ones(2)
    kept, double = Kept(), Counting(one)
    with torch.inference_mode():
        kept((one,), double)
    for other in (copy.deepcopy(kept), pickle.loads(pickle.dumps(kept))):
        with torch.inference_mode():
            other((one,), double)
    assert double.times == 3
