"""Transformer blocks that torch compiles: norms, activations, dropout and residuals become a few kernels."""

import torch
from torch import Tensor, nn

from m5kit.errors import ConfigError
from m5kit.nn.transformer import Block

VARIANTS = 64
"""Graphs that may be made of a block's code: of each width, with and without padding, in training and evaluation."""


def compile_blocks(model: nn.Module, backend: str = "inductor") -> int:
    """Let torch compile the pre-norm blocks of a model; each graph serves batches of all sizes and lengths.

    Names and values of parameters stay as they are. The first steps take minutes, in which the graphs are made.

    Args:
        model: changed in place.
        backend: of torch's compiler.

    Returns:
        How many blocks there are.

    Raises:
        ConfigError: this machine cannot compile.
    """
    import torch._dynamo  # the compiler costs seconds, so only runs that ask for it load it
    import torch._functorch.config

    _require_compiler(model, backend)
    # The default of 8 would let the last encoders run uncompiled.
    torch._dynamo.config.recompile_limit = VARIANTS
    # Chunks and gradients that are measured go back through one graph twice, so its memory must stay.
    torch._functorch.config.donated_buffer = False
    blocks = [module for module in model.modules() if isinstance(module, Block)]
    for block in blocks:
        block.compile(dynamic=True, backend=backend)
    return len(blocks)


def _require_compiler(model: nn.Module, backend: str) -> None:
    """Compile next to nothing, which fails in a sentence and not in the middle of the first step."""
    device = next(model.parameters()).device
    try:
        torch.compile(_double, backend=backend)(torch.ones(2, device=device))
    except Exception as error:  # the classes differ with what is missing: a compiler, its headers, triton
        reason = str(error).strip().partition("\n")[0]
        raise ConfigError(
            [f"schedule.compile: torch cannot compile for {device} here ({reason}); leave it out"]
        ) from error


def _double(values: Tensor) -> Tensor:
    return 2 * values
