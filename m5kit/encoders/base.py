"""The contract of an encoder: one modality's inputs become tokens, in two steps."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

from torch import nn

from m5kit.errors import ContractError
from m5kit.structures import Inputs, Observation, Tokens


class Encoder(nn.Module, ABC):
    """Turns the inputs of the items that have one modality into tokens of width ``dim``.

    The two steps let a pretext task hide tokens of any encoder, also of an opaque pretrained one: :meth:`observe` gives
    the tokens that may be hidden and what must be predicted there, the task replaces some, :meth:`encode` makes what is
    left contextual. ``encode(observe(inputs))`` is the whole encoder.

    Constructors are keyword-only and take plain numbers; ``dim``, and whatever the modality's transform
    ``provides()`` (a vocabulary, a picture size, a number of mel bands), are filled in by name if the config does not
    set them.

    An encoder whose first part is frozen and gives the same for an item each time may let a run compute that once and
    cache it: it says so by :attr:`extracts` and gives :meth:`extract` and :meth:`frozen_modules`.

    Attributes:
        filled_in: names of the arguments that m5kit gives to every encoder; those that the modality's transform
            ``provides()`` come on top.
        dim: width d of the tokens.
        shareable: name of the submodule that several encoders may hold in common if theirs are built alike
            (``model.share``); empty if there is none. It must keep nothing of a batch.
        libraries: distributions whose versions decide what the frozen part gives, such as ``("transformers",)``.
        given: width e of ``Tokens.given``, the vector that the encoder has of an item before it learns anything; 0 if
            there is none, as in an encoder that begins at random.
        aligned: whether ``Tokens.given`` lies in a space that a pretrained tower shares with another modality's, so
            that the two can be compared: CLIP's projected vectors, for example. The contrastive features then begin as
            that vector, and ``model.features`` must be its width.
        layout: rows and columns in which the observed tokens stand, row by row, frame after frame; None for a plain
            sequence. A readout may tell by it where a token is.
    """

    filled_in: ClassVar[frozenset[str]] = frozenset({"dim"})
    dim: int
    shareable: str = ""
    libraries: tuple[str, ...] = ()
    given: int = 0
    aligned: bool = False
    layout: tuple[int, int] | None = None

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

    @property
    def extracts(self) -> bool:
        """Whether :meth:`extract` gives all that the rest of the encoder needs, the same for an item each time."""
        return False

    def extract(self, inputs: Inputs) -> Inputs:
        """What the frozen part makes of ``inputs``: values ``p l ...``, lengths, and extras ``p l``.

        The result takes the place of ``inputs`` in :meth:`observe`, which must tell the two apart, by an entry of
        ``extras`` for instance. It is computed in eval mode, without gradients.

        Raises:
            ContractError: the encoder extracts nothing.
        """
        raise ContractError(f"{type(self).__name__} has no frozen part that could be run apart; extracts is False")

    def frozen_modules(self) -> Mapping[str, nn.Module]:
        """The submodules that decide what :meth:`extract` gives, by name.

        Cached outputs are found by the weights and buffers of these modules and by the encoder's plain attributes
        (numbers, texts, truth values). An encoder among them counts as that encoder says.
        """
        return {}

    def learning_rate_scales(self) -> Mapping[str, float]:
        """Factor of the learning rate by parameter name, where it is not 1."""
        return {}

    @classmethod
    def example(cls) -> tuple["Encoder", Inputs]:
        """A small instance, and inputs of three items of different lengths: what m5kit.testing tries the encoder on."""
        raise NotImplementedError(f"{cls.__name__} has no example(); return (a small instance, inputs of three items)")
