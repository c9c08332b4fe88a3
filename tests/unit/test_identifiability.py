"""What the data cannot determine is refused or named, not fitted in silence."""

import warnings

import numpy as np
import pandas as pd
import pytest

import statsmodels_mixed as smm
from statsmodels_mixed.errors import (
    ConvergenceWarning,
    DataError,
    IdentifiabilityError,
)

SLEEP = smm.datasets.load("sleepstudy")
MACHINES = smm.datasets.load("machines")


@pytest.mark.parametrize(
    "formula, data",
    [
        ("Reaction ~ C(Subject) + Days + (1 | Subject)", SLEEP),
        ("Reaction ~ C(Subject) * Days + (Days | Subject)", SLEEP),
        ("score ~ Machine * Worker + (1 | Worker:Machine)", MACHINES),
        ("score ~ Machine + (1 | Machine) + (1 | Worker)", MACHINES),
    ],
)
def test_random_effects_that_the_fixed_ones_hold_are_refused(formula, data):
    with pytest.raises(IdentifiabilityError, match="fixed effects already hold"):
        smm.lmm(formula, data)


@pytest.mark.parametrize(
    "formula, names",
    [
        ("Reaction ~ Days + (1 | Subject) + (1 | other)", ("1 | Subject", "other")),
        (
            "Reaction ~ Days + (Days | Subject) + (0 + I(2 * Days) | Subject)",
            ("Days | Subject", "I(2 * Days)"),
        ),
    ],
)
def test_a_flat_direction_is_named(formula, names):
    data = SLEEP.assign(other=SLEEP.Subject.astype(str) + "x")
    with pytest.warns(ConvergenceWarning, match="cannot tell them apart") as caught:
        smm.lmm(formula, data).fit()
    text = str(caught[0].message).replace("+I", "+ I").replace("2*D", "2 * D")
    assert all(name in text for name in names)


def test_ordinary_and_singular_fits_are_not_called_flat():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        smm.lmm("Reaction ~ Days + (Days | Subject)", SLEEP).fit()
        smm.lmm("Yield ~ 1 + (1 | Batch)", smm.datasets.load("dyestuff2")).fit()
        cake = smm.datasets.load("cake")
        res = smm.lmm("angle ~ recipe * temp + (temp | recipe:replicate)", cake).fit()
    assert res.singular == (
        "(temp | recipe:replicate): correlation of Intercept and temp is +1",
    )


def test_a_tiny_variance_is_no_false_alarm():
    """A balanced layout whose REML ratio of variances is 1e-10, exactly."""
    m, k, ratio = 200, 50, 1e-10
    rng = np.random.default_rng(1)
    g = np.repeat(np.arange(m), k)
    e = rng.standard_normal(m * k)
    e -= np.bincount(g, e)[g] / k
    u = rng.standard_normal(m)
    u -= u.mean()
    within = e @ e / (m * (k - 1))
    u *= np.sqrt((m - 1) * within * (1 + k * ratio) / k / (u @ u))
    res = smm.lmm("y ~ 1 + (1 | g)", {"y": e + u[g], "g": g}).fit()
    assert res.converged
    assert 0 <= res.theta.iloc[0] ** 2 < 1e-6


def test_two_factors_of_one_name_in_arrays():
    y, x = SLEEP.Reaction, np.ones(180)
    a = pd.Series(SLEEP.Subject.to_numpy(), name="g")
    b = pd.Series(SLEEP.Days.to_numpy(), name="g")
    with pytest.raises(DataError, match="Two different grouping factors"):
        smm.LMM(y, x, random=[a, b])
    with pytest.raises(IdentifiabilityError, match="let the intercept vary"):
        smm.LMM(y, x, random=[a, a])


def test_arrays_in_another_order_are_refused():
    y, groups = SLEEP.Reaction, SLEEP.Subject
    turned = pd.DataFrame({"c": 1.0, "d": SLEEP.Days}).iloc[::-1]
    with pytest.raises(DataError, match="another order"):
        smm.LMM(y, turned, random=[groups])
    with pytest.raises(DataError, match="another order"):
        smm.LMM(y, np.ones(180), random=[groups.iloc[::-1]])
    res = smm.lmm("Reaction ~ Days + (1 | Subject)", SLEEP).fit()
    with pytest.raises(DataError, match="another order"):
        res.refit(y.iloc[::-1])


def test_a_model_does_not_follow_its_arrays():
    y = SLEEP.Reaction.to_numpy().copy()
    x = np.asfortranarray(np.column_stack([np.ones(180), SLEEP.Days]))
    model = smm.LMM(y, x, random=[SLEEP.Subject])
    before = model.fit().deviance
    y[:], x[:, 1] = 0.0, 0.0
    assert model.fit().deviance == before


@pytest.mark.parametrize(
    "start",
    [[[[np.nan]]], [[[-1.0]]], [np.eye(2)], [], "text", [[[1.0]], [[1.0]]]],
)
def test_bad_covariances_are_refused(start):
    model = smm.lmm("Reaction ~ Days + (1 | Subject)", SLEEP)
    with pytest.raises(DataError, match="start="):
        model.fit(start=start)
    with pytest.raises(DataError, match="covariances="):
        model.deviance_at(start)


def test_relative_covariances_are_a_start():
    model = smm.lmm("Reaction ~ Days + (Days | Subject)", SLEEP)
    res = model.fit()
    again = model.fit(start=res.relative_covariances)
    assert again.record.n_evaluations <= 2
    assert again.deviance == pytest.approx(res.deviance, abs=1e-9)


def test_reml_must_be_true_or_false():
    with pytest.raises(DataError, match="True for REML"):
        smm.lmm("Reaction ~ Days + (1 | Subject)", SLEEP).fit(reml="ML")


def test_refit_tells_what_fit_tells():
    res = smm.lmm("Reaction ~ Days + (1 | Subject)", SLEEP).fit()
    constant_within = SLEEP.Subject.cat.codes.to_numpy(float)
    with pytest.raises(IdentifiabilityError, match="reproduce the response"):
        res.refit(constant_within)
    with pytest.warns(ConvergenceWarning, match="1 of 2 fits"):
        res.refit(np.column_stack([SLEEP.Reaction, constant_within]))


def test_refit_of_many_without_random_terms():
    res = smm.lmm("Reaction ~ Days", SLEEP).fit()
    many = res.refit(np.column_stack([SLEEP.Reaction, 2 * SLEEP.Reaction]))
    np.testing.assert_allclose(many.params.iloc[1], 2 * res.params, rtol=1e-12)
