"""Fine-tuned classification: does the model's own head predict the right class?"""

from collections.abc import Mapping, Sequence

from m5kit.errors import DataError
from m5kit.evaluation.base import Embedded, Metric, Request, Result, labelled
from m5kit.evaluation.functional.classification import commonest
from m5kit.evaluation.values import CLASSIFICATION_VALUES, classification_values
from m5kit.registry import METRICS


@METRICS.register_module("predictions")
class Predictions(Metric):
    """Score the predictions of a fine-tuned head; nothing is fitted.

    Items without the label are left out. A label that the run never saw in training cannot be predicted and counts as
    an error. The chance level is the score of always answering the commonest label of the split.

    Args:
        split: the items to classify.
        label: the label that the run was fine-tuned on; ``data.label`` unless the config names it.
        modalities: what the model may see; None for all modalities of the run.
    """

    filled_in = Metric.filled_in | {"label"}

    def __init__(self, *, split: str, label: str, modalities: Sequence[str] | None = None) -> None:
        self.label = label
        self.request = Request.of(split, modalities, "fused")

    def requests(self) -> tuple[Request, ...]:
        """The one split."""
        return (self.request,)

    def value_names(self) -> Sequence[str]:
        """As of :meth:`compute`."""
        return CLASSIFICATION_VALUES

    def compute(self, embedded: Mapping[Request, Embedded], seed: int) -> Result:
        """``accuracy`` and ``balanced_accuracy`` on the split.

        Raises:
            DataError: no item has the label, or the model does not predict it.
        """
        items = labelled(embedded, self.request, self.label)
        if self.label not in items.predictions:
            raise DataError(
                f"the run does not predict the label {self.label!r} (labels it predicts: "
                f"{', '.join(items.predictions) or 'none'}); fine-tune it with mode=finetune, "
                f"data.label={self.label} and a classification head, or use the metric 'probe'"
            )
        labels = items.label(self.label)
        return classification_values(labels, items.predictions[self.label], guess=commonest(labels), seed=seed)
