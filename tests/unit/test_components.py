"""Connected components against the dense matrix they are blocks of."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from reference.designs import crossed, dense_z, gram, nested

from statsmodels_mixed.linalg import BlockGram, BlockSystem
from statsmodels_mixed.linalg.components import Components


@pytest.mark.parametrize(
    "factors",
    [
        crossed(30, [(7, 2)]),
        crossed(12, [(6, 1), (5, 2)], seed=3),
        crossed(25, [(4, 2), (6, 1), (3, 1)], seed=1),
        nested(40, [4, 3, 2], [1, 2, 1]),
    ],
    ids=["one", "sparse", "three", "nested"],
)
def test_components_hold_all_of_the_gram_matrix(factors):
    blocks = gram(factors)
    system = BlockSystem(blocks)
    found = Components(system)
    rng = np.random.default_rng(0)
    left, right = ([rng.standard_normal((k, k)) for _, k in blocks.sizes] for _ in "lr")
    # dense counterpart, its columns put in elimination order
    z = np.empty((len(factors[0][0]), system.width))
    zl, zr = np.empty_like(z), np.empty_like(z)
    for part, (codes, own), a, b in zip(
        system.slices, factors, left, right, strict=True
    ):
        z[:, part] = dense_z(codes, own)
        zl[:, part], zr[:, part] = dense_z(codes, own @ a), dense_z(codes, own @ b)
    full, seen = zl.T @ zr, np.zeros((system.width,) * 2)
    for (_, places), stack in zip(
        found.groups, found.dense(blocks, left, right), strict=True
    ):
        for own, block in zip(places, stack, strict=True):
            seen[np.ix_(own, own)] = block
    assert_allclose(seen, full, atol=1e-12)
    assert np.bincount(found.of_place).tolist() == found.sizes.tolist()
    # no component can be split: its levels are linked in Z'Z
    for _, places in found.groups:
        for own in places:
            linked = (np.abs(z.T @ z)[np.ix_(own, own)] > 0) * 1.0
            assert (np.linalg.matrix_power(linked, len(own)) > 0).all()


def test_no_factors_make_no_components():
    found = Components(BlockSystem(BlockGram((), {})))
    assert found.count == 0 and found.labels == ()
