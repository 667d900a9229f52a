import torch

from m5kit.nn.pretrained.pictures import TOKENS_AT_ONCE, run_few


def test_a_network_sees_few_pictures_at_once_unless_it_learns():
    sizes = []

    def network(patches):
        sizes.append(len(patches))
        return patches.mean(1), patches + 1

    patches = torch.randn(5, TOKENS_AT_ONCE // 2, 3)
    with torch.no_grad():
        summary, tokens = run_few(network, patches)
    assert torch.equal(summary, patches.mean(1))
    assert torch.equal(tokens, patches + 1)
    run_few(network, patches)
    assert sizes == [2, 2, 1, 5]
