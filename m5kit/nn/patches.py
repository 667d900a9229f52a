"""Cutting pictures into patches and putting them together again, exactly.

Shape letters: b item, c channel, l patch, e values in a patch.
"""

from torch import Tensor

from m5kit.errors import ConfigError


def centre_bytes(values: Tensor) -> Tensor:
    """Bytes 0 to 255 become floats from -2 to 2; none becomes exactly 0, which is the value of a hidden patch.

    Example:
        >>> import torch
        >>> centre_bytes(torch.tensor([0, 255], dtype=torch.uint8))
        tensor([-2.,  2.])
    """
    centred = values.float() - 127.5
    return centred.div_(63.75)  # in place: new memory for millions of numbers costs more than the arithmetic


def split_patches(pictures: Tensor, patch: int) -> Tensor:
    """Cut ``b c h w`` pictures into ``b l e`` patches, row by row; e is ``c * patch * patch``."""
    items, channels, height, width = pictures.shape
    grid = pictures.reshape(items, channels, height // patch, patch, width // patch, patch)
    return grid.permute(0, 2, 4, 1, 3, 5).reshape(items, -1, channels * patch * patch)


def join_patches(values: Tensor, patch: int, rows: int) -> Tensor:
    """Undo :func:`split_patches`: ``b l e`` patches, ``rows`` of them from top to bottom, become ``b c h w``."""
    items, count, width = values.shape
    grid = values.reshape(items, rows, count // rows, width // patch**2, patch, patch)
    return grid.permute(0, 3, 1, 4, 2, 5).reshape(items, width // patch**2, rows * patch, -1)


def check_patch(size: int, patch: int, multiple: int) -> int:
    """The number of patches along a side of ``size``.

    Raises:
        ConfigError: ``patch`` does not divide ``size``, or is not a multiple of ``multiple``.
    """
    if size % patch or patch % multiple:
        choices = [n for n in range(multiple, size + 1, multiple) if size % n == 0]
        raise ConfigError(
            [f"patch {patch} must divide size {size} and be a multiple of {multiple}; choose one of {choices}"]
        )
    return size // patch
