import os

import pytest

from m5kit.training.progress import OpenConsole


def test_a_closed_pipe_is_an_error_and_not_the_end_of_the_program():
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "w", closefd=False) as file:
        with pytest.raises(BrokenPipeError):
            OpenConsole(file=file).print("step 1")
        os.dup2(os.open(os.devnull, os.O_WRONLY), writing)  # or closing the file would fail as well
