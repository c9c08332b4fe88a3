"""Profiles against lme4's: its points, its limits, and roots of its own deviance.

``confint(profile(.))`` interpolates between points that are minimised to a loose
tolerance. profile_roots.R solves for the limits with lme4's deviance minimised anew at
every value; where the stored limits differ, these roots say who is right.
"""

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

import statsmodels_mixed as smm
from statsmodels_mixed.inference.profile.profile import profile

from .loader import golds, table

LEVELS = {0.95: "ci95", 0.99: "ci99", 0.5: "ci50"}
FORMULAS = {
    "profile_sleep": ("sleepstudy", "Reaction ~ Days + (Days | Subject)"),
    "profile_dyestuff": ("dyestuff", "Yield ~ 1 + (1 | Batch)"),
    "profile_dyestuff2": ("dyestuff2", "Yield ~ 1 + (1 | Batch)"),
    "profile_penicillin": (
        "penicillin",
        "diameter ~ 1 + (1 | plate) + (1 | sample)",
    ),
    "profile_cbpp": (
        "cbpp",
        "cbind(incidence, size - incidence) ~ period + (1 | herd)",
    ),
}
# points of lme4's profiles that are not minima, by parameter: of the other parameters
# a correlation, or a standard deviation of zero, was not left
ASTRAY = {("profile_sleep", 0), ("profile_dyestuff2", 1)}
# lme4's glmer minimises its points to about 1e-3 in deviance
LOOSE = {"profile_cbpp"}


@cache
def profiled(name):
    data, formula = FORMULAS[name]
    if name == "profile_cbpp":
        model = smm.glmm(formula, table(data), family="binomial")
    else:
        model = smm.lmm(formula, table(data))
    return profile(model.fit().fit_record)


@cache
def roots():
    path = Path(__file__).with_name("profile_roots.json")
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("name", FORMULAS)
def test_limits(name, level):
    ours = profiled(name).conf_int(level).to_numpy()
    exact = np.array(roots()[name][str(level)], dtype=float)
    assert_allclose(ours, exact, rtol=1e-7)
    stored = np.array(golds("inference")[name][LEVELS[level]]["m"], dtype=float)
    # what lme4 interpolates is its own root to 1e-4, or it is not and we are
    near = np.isclose(stored, exact, rtol=1e-4, atol=0.0)
    assert_allclose(ours[near], stored[near], rtol=1e-4)
    if name not in LOOSE:
        assert (~near).sum() <= 2


@pytest.mark.parametrize("name", FORMULAS)
def test_points(name):
    """Zeta at every value of lme4's profile, and never above lme4's."""
    gold, result = golds("inference")[name], profiled(name)
    rows = gold["zeta_table"]
    zeta = np.array(rows[".zeta"], dtype=float)
    for place, (theirs, ours) in enumerate(
        zip(gold["parnames"], result.parameters, strict=True)
    ):
        mine = np.array([focal == theirs for focal in rows[".par"]])
        values = np.array(rows[theirs], dtype=float)[mine]
        higher = zeta[mine] ** 2 - result.zeta(ours, values) ** 2
        assert higher.min() > -5e-8
        if name not in LOOSE and (name, place) not in ASTRAY:
            assert higher.max() < 5e-7
        elif name in LOOSE:
            assert higher.max() < 3e-3
        else:  # they agree wherever lme4 found the minimum
            assert np.median(higher) < 1e-8
            assert higher.max() > 1e-2


def test_names_are_those_of_lme4():
    theirs = golds("inference")["profile_sleep"]["names_new"]
    ours = list(profiled("profile_sleep").parameters)
    assert ours == [name.replace("(Intercept)", "Intercept") for name in theirs]


def test_an_interval_starts_at_exactly_zero():
    limits = profiled("profile_dyestuff2").conf_int()
    assert limits.loc["sd_Intercept|Batch", "lower"] == 0.0
    limits = profiled("profile_dyestuff").conf_int(0.99)
    assert limits.loc["sd_Intercept|Batch", "lower"] == 0.0
    assert profiled("profile_dyestuff").conf_int(0.95).iloc[0, 0] > 12.0
