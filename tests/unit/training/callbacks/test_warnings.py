"""Each thing that goes wrong is said once, with what to try; a run that goes well says nothing."""

from types import SimpleNamespace

from m5kit.training.callbacks.base import TrainState
from m5kit.training.callbacks.warnings import WarningsCallback


def _warned(rows, looks=None, items=100):
    """What is said of logged rows, and of the held-out values that come with some of them."""
    written, metrics = [], SimpleNamespace(figures=None)
    validation = SimpleNamespace(values={}, chance={"val/knn/kind": 0.25})
    callback = WarningsCallback(metrics, validation, items, ["contrastive"], 16, written.append)
    state = TrainState(model=None, optimizer=None, max_steps=len(rows))
    for number, row in enumerate(rows):
        state.step = number + 1
        metrics.figures = {"loss": 1.0, **row}
        validation.values = (looks or {}).get(state.step, {})
        callback.after_step(state, None, {})
    return written


def _falling(name, count=20):
    return [{name: 2.0 - step / count} for step in range(count)]


def test_a_run_that_learns_says_nothing():
    assert _warned(_falling("loss/masked")) == []


def test_a_loss_that_stands_still():
    (text,) = _warned([{"loss/masked": 2.0}] * 20)
    assert text.startswith("warning: task masked does not learn: its loss is 2.000, at first it was 2.000")


def test_a_loss_that_scatters_more_than_it_could_have_fallen():
    # logged values of the demo's masked properties, of which a batch hides few
    table = [1.94, 0.9, 1.05, 1.63, 1.57, 1.74, 1.52, 1.43, 1.65, 1.91, 1.57, 1.93, 0.71, 1.37, 1.13, 1.07, 1.98]
    assert _warned([{"loss/masked": value} for value in table]) == []


def test_a_task_whose_accuracy_is_known_is_not_judged_by_its_loss():
    assert _warned([{"loss/contrastive": 2.3, "contrastive/accuracy": 0.23}] * 20) == []


def test_a_task_that_only_guesses():
    rows = [{"loss/contrastive": 2.8 - step / 10, "contrastive/accuracy": 0.07} for step in range(20)]
    (text,) = _warned(rows)
    assert "task contrastive is no better than chance: it picks the right item of 16 in 7.0%" in text
    assert "log 16 = 2.77" in text


def test_a_modality_without_weight():
    (text,) = _warned([{"weight/a": 0.1, "weight/b": 0.45, "weight/c": 0.45}] * 20)
    assert "a has had at most 10.0% of the weight" in text


def test_a_share_that_is_small_for_a_while_only():
    assert _warned([{"weight/a": 0.1 if step % 5 else 0.4, "weight/b": 0.6} for step in range(40)]) == []


def _look(knn=0.9, loss=1.0):
    return {"val/knn/kind": knn, "val/loss": loss}


def test_held_out_values_at_chance_in_the_second_half():
    rows = _falling("loss")
    assert _warned(rows, {5: _look(knn=0.25)}) == []
    (text,) = _warned(rows, {5: _look(knn=0.25), 15: _look(knn=0.3), 20: _look(knn=0.3)})
    assert "val/knn/kind is 0.300 on 100 held-out items, and 0.250 is chance" in text
    assert _warned(rows, {15: _look(knn=0.3)}, items=6) == []


def test_a_held_out_loss_that_rises_while_the_training_loss_falls():
    looks = {step: _look(loss=1 + step / 20) for step in (5, 10, 15, 20)}
    (text,) = _warned(_falling("loss"), looks)
    assert "the held-out loss has risen 3 times in a row while the training loss fell" in text
    assert _warned([{"loss": 1.0}] * 20, looks) == []


def test_a_long_run_is_looked_at_seldom_and_at_its_end(monkeypatch):
    seen = []
    monkeypatch.setattr(WarningsCallback, "_tasks", lambda callback: seen.append(len(callback._rows)))
    _warned(_falling("loss/masked", 1000))
    # the first 300 rows are too early; each later look comes when a tenth has been added
    assert seen[:3] == [300, 330, 363]
    assert seen[-1] == 1000
    assert len(seen) < 20
