"""Blocks of one size out of runs of any."""

import numpy as np
import pytest

from talas_stream.codec.stages.blocks import Blocks


@pytest.mark.parametrize("step", [1, 3, 7, 8, 9, 50])
def test_every_sample_is_in_one_block_in_order(step: int) -> None:
    sound = np.stack([np.arange(1, 51), -np.arange(1, 51)]).astype(np.float32)
    block = np.zeros((2, 8), np.float32)
    blocks, full = Blocks(block[0], block[1]), []
    for at in range(0, 50, step):
        full += [block.copy() for _ in blocks.fill(sound[:, at : at + step])]
    assert np.array_equal(np.concatenate(full, axis=1), sound[:, :48])
    blocks.pad()
    assert np.array_equal(block[:, :2], sound[:, 48:])
    assert not block[:, 2:].any()


def test_block_after_a_pad_begins_empty() -> None:
    block = np.zeros((2, 4), np.float32)
    blocks = Blocks(block[0], block[1])
    assert list(blocks.fill(np.ones((2, 3), np.float32))) == []
    blocks.pad()
    assert [block[0, 0] for _ in blocks.fill(np.full((2, 4), 2, np.float32))] == [2]


def test_empty_piece_fills_no_block() -> None:
    block = np.zeros((2, 4), np.float32)
    assert list(Blocks(block[0], block[1]).fill(np.zeros((2, 0), np.float32))) == []
