"""Formulas that read well but do not fit the data they meet."""

import pickle

import numpy as np
import pytest

import statsmodels_mixed as smm
from statsmodels_mixed.errors import DataError, MissingColumnError

DATA = smm.datasets.load("sleepstudy")


@pytest.mark.parametrize(
    "formula, name, column",
    [
        ("Reacton ~ Days + (1 | Subject)", "Reacton", 0),
        ("Reaction ~ Dys + (1 | Subject)", "Dys", 11),
        ("Reaction ~ Days + (dys | Subject)", "dys", 19),
        ("Reaction ~ Days + (1 | Subjct)", "Subjct", 23),
        ("Reaction ~ np.log(Days1) + (1 | Subject)", "Days1", 18),
        ("Reaction ~ Days + offset(w) + (1 | Subject)", "w", 25),
    ],
)
def test_a_missing_column_gets_a_caret_under_its_name(formula, name, column):
    with pytest.raises(MissingColumnError) as caught:
        smm.lmm(formula, DATA)
    message, line, caret = str(caught.value).split("\n")
    assert repr(name) in message
    assert line == "    " + formula
    assert caret == " " * (4 + column) + "^"
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


@pytest.mark.parametrize(
    "formula, told",
    [
        ("np.array([Reaction, Days]).T ~ Days + (1 | Subject)", "has 2 columns"),
        ("I([1, 2]) ~ Days + (1 | Subject)", "2 values for 180 rows"),
        ("Reaction ~ np.ones(3) + (1 | Subject)", "3 values for 180 rows"),
        ("Reaction ~ Days + (np.ones(3) | Subject)", "3 values for 180 rows"),
        ("Reaction ~ I(Days * 1j) + (1 | Subject)", "complex"),
    ],
)
def test_expressions_that_do_not_fit_the_rows(formula, told):
    with pytest.raises(DataError, match=told):
        smm.lmm(formula, DATA)


def test_residual_variance_far_below_the_response_is_told():
    rng = np.random.default_rng(0)
    g = np.repeat(np.arange(10), 6)
    data = {"y": 1e6 * rng.standard_normal(10)[g] + rng.standard_normal(60), "g": g}
    res = smm.lmm("y ~ 1 + (1 | g)", data).fit()
    # the deviance is a difference of numbers 10^12 times as large
    assert 1e-4 < res.convergence.rounding < 0.1
    assert "rounding" in str(res.summary())
    within = data["y"] - np.bincount(g, data["y"])[g] / 6
    assert res.sigma == pytest.approx(np.sqrt(within @ within / 50), rel=1e-2)
