"""Pairs of profiles whose zeta does not rise all the way to a bound."""

import numpy as np
import pandas as pd
import pytest

import statsmodels_mixed as smm
from statsmodels_mixed.diagnostics.profile_pairs import _rising_outwards

pytest.importorskip("matplotlib")


@pytest.mark.parametrize("seed", [5, 6, 7])
def test_random_slopes_have_pictures_of_pairs(seed):
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    rng = np.random.default_rng(seed)
    g, x = np.repeat(np.arange(20), 12), rng.normal(size=240)
    b = rng.normal(size=(20, 2)) * [1.0, 0.5]
    y = x + b[g, 0] + b[g, 1] * x + rng.normal(size=240)
    res = smm.lmm("y ~ x + (x | g)", pd.DataFrame({"y": y, "x": x, "g": g})).fit()
    figure = res.plot_profile_pairs()
    assert len(figure.axes) > 10
    plt.close(figure)


def test_points_that_come_back_are_left_out():
    zeta = np.array([-1.95, -1.94, -1.96, -1.0, 0.1, 1.0, 1.0, 1.5])
    kept = _rising_outwards(zeta)
    assert kept.tolist() == [False, False, True, True, True, True, False, True]
