"""The contract of an encoder: one modality's inputs become tokens, in two steps."""

from abc import ABC, abstractmethod

from torch import nn

from m5kit.structures import Inputs, Observation, Tokens


class Encoder(nn.Module, ABC):
    """Turns the inputs of the items that have one modality into tokens of width ``dim``.

    The two steps let a pretext task hide tokens of any encoder, also of an opaque pretrained one: :meth:`observe` gives
    the tokens that may be hidden and what must be predicted there, the task replaces some, :meth:`encode` makes what is
    left contextual. ``encode(observe(inputs))`` is the whole encoder.

    Constructors are keyword-only and take plain numbers; ``dim``, and whatever the modality's transform
    ``provides()`` (a vocabulary, a picture size, a number of mel bands), are filled in by name if the config does not
    set them.

    Attributes:
        dim: width d of the tokens.
        shareable: name of the submodule that several encoders may hold in common if theirs are built alike
            (``model.share``); empty if there is none. It must keep nothing of a batch.
    """

    dim: int
    shareable: str = ""

    @abstractmethod
    def observe(self, inputs: Inputs) -> Observation:
        """Tokens that a task may hide: ids ``p l`` or features ``p l e``, without a summary token."""

    @abstractmethod
    def encode(self, observation: Observation) -> Tokens:
        """Contextual tokens ``p 1+l d``: a summary token, then one for each observed token, in order.

        Padding must not change the real tokens, and an item must not change another.
        """

    def forward(self, inputs: Inputs) -> Tokens:
        """Both steps, nothing hidden."""
        return self.encode(self.observe(inputs))

    @classmethod
    def example(cls) -> tuple["Encoder", Inputs]:
        """A small instance, and inputs of three items of different lengths: what m5kit.testing tries the encoder on."""
        raise NotImplementedError(f"{cls.__name__} has no example(); return (a small instance, inputs of three items)")
