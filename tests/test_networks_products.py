"""Products: the same numbers whichever way round, and never those of another network's place."""

import pytest
import torch

from mlplab.networks.aligned import aligned_stack
from mlplab.networks.products import Product

SHAPES = [(256, 784, 10), (256, 512, 10), (32, 17, 11), (100, 20, 12), (256, 128, 64), (8, 30, 4)]
"""(row, middle, column); the last two are too wide or too short to be turned."""


@pytest.fixture(params=[1, 2], ids=["one thread", "two threads"], autouse=True)
def threads(request):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield
    torch.set_num_threads(before)


def operands(networks: int, rows: int, middle: int, columns: int) -> list[torch.Tensor]:
    generator = torch.manual_seed(rows + columns)
    drawn = [
        torch.randn(networks, *shape, generator=generator)
        for shape in ((rows, middle), (middle, columns))
    ]
    return [aligned_stack(d.shape, d.dtype).copy_(d) for d in drawn]


@pytest.mark.parametrize(("rows", "middle", "columns"), SHAPES)
def test_a_product_is_that_of_torch_in_double_precision(rows, middle, columns):
    left, right = operands(3, rows, middle, columns)
    found = Product((3, rows, columns), torch.float32, "cpu").of(left, right)
    torch.testing.assert_close(found.double(), left.double() @ right.double(), rtol=0, atol=1e-4)
    of_one = Product((3, rows, columns), torch.float32, "cpu").of(left[:1].expand(3, -1, -1), right)
    torch.testing.assert_close(of_one[0], found[0], rtol=0, atol=0)


@pytest.mark.parametrize(("rows", "middle", "columns"), SHAPES)
def test_a_product_has_the_same_bits_alone_and_in_a_stack(rows, middle, columns):
    left, right = operands(5, rows, middle, columns)
    together = Product((5, rows, columns), torch.float32, "cpu").of(left, right)
    for place in range(5):
        own = [aligned_stack((1, *t.shape[1:]), t.dtype).copy_(t[place]) for t in (left, right)]
        alone = Product((1, rows, columns), torch.float32, "cpu").of(*own)
        assert torch.equal(alone[0], together[place])
