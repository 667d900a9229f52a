import torch

from m5kit.nn.queue import FeatureQueue


def pushed(queue, *values):
    features = torch.tensor(values)[:, None, None].expand(-1, 2, 3)
    queue.push(features, torch.ones(len(values), 2, dtype=torch.bool), torch.tensor(values).long())
    return queue


def test_the_oldest_go_first():
    queue = pushed(pushed(FeatureQueue(size=3, modalities=2, features=3), 1.0, 2.0), 3.0, 4.0)
    assert queue.features[:, 0, 0].tolist() == [4.0, 2.0, 3.0]
    assert queue.targets.tolist() == [4, 2, 3]


def test_nothing_is_present_before_it_was_pushed():
    queue = pushed(FeatureQueue(size=3, modalities=2, features=3), 1.0)
    assert queue.present.tolist() == [[True, True], [False, False], [False, False]]


def test_a_batch_larger_than_the_queue_fills_it_once():
    assert pushed(FeatureQueue(size=2, modalities=2, features=3), 1.0, 2.0, 3.0).targets.tolist() == [1, 2]


def test_a_queue_of_nothing_stays_empty():
    assert len(pushed(FeatureQueue(size=0, modalities=2, features=3), 1.0).features) == 0


def test_it_is_saved_and_goes_on_where_it_was():
    queue, other = (FeatureQueue(size=3, modalities=2, features=3) for _ in range(2))
    pushed(queue, 1.0, 2.0)
    other.load_state_dict(queue.state_dict())
    assert pushed(other, 3.0, 4.0).targets.tolist() == pushed(queue, 3.0, 4.0).targets.tolist()
