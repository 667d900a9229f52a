"""What all processes send and get is what each of them wants."""

import pytest
import torch

from m5kit.parallel.routes import Route


@pytest.mark.parametrize("seed", range(20))
def test_rows_arrive_in_the_order_in_which_they_are_wanted(seed):
    generator = torch.Generator().manual_seed(seed)
    sizes = torch.randint(1, 4, (int(torch.randint(1, 5, (), generator=generator)),), generator=generator).tolist()
    wanted = torch.randint(-1, sum(sizes), (sum(sizes),), generator=generator)
    held = torch.arange(sum(sizes)).split(sizes)
    routes = [Route.of(wanted, sizes, rank) for rank in range(len(sizes))]
    for rank, route in enumerate(routes):
        arrived = []
        for rows, other in zip(held, routes, strict=True):
            arrived.append(rows[other.sent].split(list(other.given))[rank])
        assert [len(rows) for rows in arrived] == list(route.taken)
        own = wanted.split(sizes)[rank]
        assert torch.cat(arrived)[route.order].equal(own[own >= 0])
