"""Draws of responses for new rows."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import statsmodels_mixed as smm
from statsmodels_mixed.errors import DataError, MissingColumnError, NewLevelError

SLEEP = smm.datasets.load("sleepstudy")
CBPP = smm.datasets.load("cbpp")
NEW = pd.DataFrame(
    {"Days": [0.0, 9.0, 0.0, 9.0], "Subject": ["308", "308", "new", "new"]},
    index=["a", "b", "c", "d"],
)
DRAWS = 4000


@pytest.fixture(scope="module")
def sleep():
    return smm.lmm("Reaction ~ Days + (Days | Subject)", SLEEP).fit()


@pytest.fixture(scope="module")
def cbpp():
    formula = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
    return smm.glmm(formula, CBPP).fit()


def check_moments(draws, mean, cov):
    """Means and covariances of draws (n, R) within five standard errors."""
    n_draws = draws.shape[1]
    variance = np.diag(cov)
    error = np.sqrt(variance / n_draws)
    assert (abs(draws.mean(axis=1) - mean) < 5 * error).all()
    got = np.cov(draws)
    error = np.sqrt((np.outer(variance, variance) + cov**2) / n_draws)
    assert (abs(got - cov) < 5 * error).all(), got - cov


def test_new_effects_are_shared_by_rows_of_a_level(sleep):
    draws = sleep.simulate(DRAWS, rng=1, newdata=NEW)
    assert list(draws.index) == list(NEW.index) and draws.shape == (4, DRAWS)
    z = np.column_stack([np.ones(4), NEW.Days])
    same = NEW.Subject.to_numpy()[:, None] == NEW.Subject.to_numpy()
    cov = z @ sleep.cov_re["Subject"].to_numpy() @ z.T * same
    mean = sleep.predict(NEW).to_numpy()
    check_moments(draws.to_numpy(), mean, cov + sleep.scale * np.eye(4))


@pytest.mark.parametrize("new_levels", ["population", "draw"])
def test_conditional(sleep, new_levels):
    options = {"random": "conditional", "newdata": NEW}
    draws = sleep.simulate(DRAWS, rng=2, new_levels=new_levels, **options)
    z = np.column_stack([np.ones(4), NEW.Days])
    cov = np.zeros((4, 4))
    if new_levels == "draw":
        cov[2:, 2:] = (z @ sleep.cov_re["Subject"].to_numpy() @ z.T)[2:, 2:]
    mean = sleep.predict(NEW, random="conditional", new_levels="population")
    cov += sleep.scale * np.eye(4)
    check_moments(draws.to_numpy(), mean.to_numpy(), cov)
    with pytest.raises(NewLevelError, match=r"'Subject'.*: new"):
        sleep.simulate(1, **options)


@pytest.mark.parametrize("random", ["new", "conditional"])
def test_the_rows_of_the_fit_given_again(sleep, cbpp, random):
    again = sleep.simulate(3, random, 4, SLEEP)
    assert_allclose(again, sleep.simulate(3, random, 4), rtol=1e-12)
    again = cbpp.simulate(random=random, rng=4, newdata=CBPP, n_trials="size")
    pd.testing.assert_series_equal(again, cbpp.simulate(random=random, rng=4))


def test_several_factors():
    data = smm.datasets.load("penicillin")
    res = smm.lmm("diameter ~ 1 + (1 | plate) + (1 | sample)", data).fit()
    new = pd.DataFrame(
        {"plate": ["a", "zz", "a", "zz"], "sample": ["A", "A", "q", "q"]}
    )
    draws = res.simulate(DRAWS, rng=3, newdata=new).to_numpy()
    cov = res.scale * np.eye(4)
    for name in ("plate", "sample"):
        same = new[name].to_numpy()[:, None] == new[name].to_numpy()
        cov += res.cov_re[name].iloc[0, 0] * same
    check_moments(draws, res.params.to_numpy()[0], cov)


def test_one_draw_is_a_series(sleep):
    one = sleep.simulate(newdata=NEW, rng=1)
    assert one.name == "Reaction" and list(one.index) == list(NEW.index)
    assert_array_equal(one, sleep.simulate(1, newdata=NEW, rng=1)[0])
    assert not one.equals(sleep.simulate(newdata=NEW, rng=2))


def test_missing_labels(sleep):
    new = NEW.assign(Subject=["308", None, None, "308"])
    for random in ("new", "conditional"):
        with pytest.raises(NewLevelError, match=r"no label in 2 rows \(b, c\)"):
            sleep.simulate(1, random, newdata=new)
    draws = sleep.simulate(DRAWS, newdata=new, new_levels="draw", rng=1).to_numpy()
    # two levels of their own, and the first and the last row are of one
    correlation = np.corrcoef(draws)
    assert abs(correlation[1, 2]) < 5 / np.sqrt(DRAWS)
    assert correlation[0, 3] > 0.2
    missing = new.assign(Subject=None)
    got = sleep.simulate(2, newdata=missing, new_levels="population", rng=1)
    assert np.isfinite(got).all(axis=None)


def test_weights_of_new_rows_are_one():
    data = SLEEP.assign(w=np.tile([4.0, 9.0], 90))
    res = smm.lmm("Reaction ~ 1 + (1 | Subject)", data, weights="w").fit()
    options = {"random": "conditional", "newdata": SLEEP.iloc[:2]}
    draws = res.simulate(DRAWS, rng=1, **options)
    sd = draws.std(axis=1).to_numpy()
    assert_allclose(sd, res.sigma, rtol=5 / np.sqrt(2 * DRAWS))


def test_trials(cbpp):
    new = CBPP.iloc[:3]
    options = {"random": "conditional", "newdata": new}
    draws = cbpp.simulate(DRAWS, rng=1, n_trials=[2, 20, 0], **options)
    mean = cbpp.predict(new, random="conditional").to_numpy()
    trials = np.array([2, 20, 0])
    error = 5 * np.sqrt(trials * mean * (1 - mean) / DRAWS)
    assert (abs(draws.mean(axis=1) - trials * mean) <= error).all()
    assert draws.max(axis=1).to_list()[0] == 2 and draws.loc[2].eq(0).all()
    same = cbpp.simulate(2, rng=1, n_trials="size", **options)
    given = cbpp.simulate(2, rng=1, n_trials=new["size"].to_numpy(), **options)
    assert_array_equal(same, given)
    binary = smm.glmm("(incidence > 1) ~ period + (1 | herd)", CBPP, "binomial").fit()
    assert binary.simulate(5, newdata=new, rng=1).isin([0.0, 1.0]).all(axis=None)


BAD = {
    "no trials": ({"newdata": CBPP}, DataError, "give n_trials="),
    "bad trials": ({"newdata": CBPP, "n_trials": -1}, DataError, "-1 in row 0"),
    "own rows": ({"n_trials": 3}, DataError, r"n_trials= describes new rows"),
    "own offset": ({"offset": "o"}, DataError, r"offset= describes new rows"),
    "column": (
        {"newdata": CBPP[["period"]], "n_trials": 1},
        MissingColumnError,
        "'herd'",
    ),
    "word": ({"newdata": CBPP, "n_trials": 1, "random": "none"}, DataError, "random="),
    "levels": (
        {"newdata": CBPP, "n_trials": 1, "new_levels": "zero"},
        DataError,
        "new_levels='zero'",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_arguments(cbpp, case):
    options, kind, words = BAD[case]
    with pytest.raises(kind, match=words):
        cbpp.simulate(2, **options)


def test_trials_of_a_linear_model(sleep):
    with pytest.raises(DataError, match="binomial"):
        sleep.simulate(2, newdata=NEW, n_trials=3)


def test_offset_of_new_rows():
    offset = np.linspace(0, 1, 180)
    res = smm.lmm("Reaction ~ 1 + (1 | Subject)", SLEEP, offset=offset).fit()
    with pytest.raises(DataError, match="give offset="):
        res.simulate(2, newdata=NEW)
    options = {"newdata": NEW, "rng": 1}
    more = res.simulate(2, offset=[100.0] * 4, **options)
    assert_allclose(more - res.simulate(2, offset=[0.0] * 4, **options), 100.0)


def test_exposure_in_a_column():
    data = smm.datasets.load("grouseticks").assign(time=2.0)
    res = smm.glmm(
        "TICKS ~ 1 + (1 | BROOD)", data, family="poisson", exposure="time"
    ).fit()
    new = data.iloc[:20].assign(time=2000.0)
    options = {"random": "conditional", "rng": 1}
    ratio = res.simulate(200, newdata=new, **options).mean(axis=1)
    expected = 1000 * res.predict(data.iloc[:20], random="conditional")
    assert_allclose(ratio, expected, rtol=0.2)
    got = res.get_prediction(new, random="conditional")
    assert_allclose(got.predicted, expected, rtol=1e-10)


def test_arrays():
    x = np.column_stack([np.ones(180), SLEEP.Days])
    res = smm.LMM(SLEEP.Reaction, x, random=[(SLEEP.Subject, x)]).fit()
    same = smm.lmm("Reaction ~ Days + (Days | Subject)", SLEEP).fit()
    exog = np.column_stack([np.ones(4), NEW.Days])
    got = res.simulate(2, newdata=exog, random_data=[NEW.Subject.to_numpy()], rng=1)
    assert_allclose(got, same.simulate(2, newdata=NEW, rng=1), rtol=1e-6)
    with pytest.raises(DataError, match="random_data="):
        res.simulate(2, newdata=exog)


def test_quasi_likelihood_draws_too():
    formula = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
    res = smm.glmm(formula, CBPP).fit(method="pql")
    draws = res.simulate(3, newdata=CBPP, n_trials="size", rng=1)
    assert_array_equal(draws, res.simulate(3, rng=1))


@pytest.mark.parametrize("n", [2.5, 0, -1, True, "3"])
def test_numbers_of_draws(sleep, n):
    for options in ({}, {"newdata": NEW}):
        with pytest.raises(DataError, match=rf"n={n!r}: give a whole number, 1 or"):
            sleep.simulate(n, **options)


def test_groups_are_needed_for_new_levels_too(sleep):
    words = r"'Subject'.*is not there.*same label of 'Subject' share"
    with pytest.raises(MissingColumnError, match=words):
        sleep.simulate(2, newdata=NEW[["Days"]])
    apart = NEW.assign(Subject=range(4))  # what the message proposes
    draws = sleep.simulate(DRAWS, rng=1, newdata=apart).to_numpy()
    z = np.column_stack([np.ones(4), NEW.Days])
    cov = np.diag(np.diag(z @ sleep.cov_re["Subject"].to_numpy() @ z.T))
    check_moments(draws, sleep.predict(NEW).to_numpy(), cov + sleep.scale * np.eye(4))


def test_trials_from_the_column_of_the_fit():
    data = CBPP.assign(p=CBPP.incidence / CBPP["size"])
    res = smm.glmm("p ~ period + (1 | herd)", data, "binomial", n_trials="size").fit()
    new = data.iloc[:4]
    by_default = res.simulate(5, rng=1, newdata=new)
    by_name = res.simulate(5, rng=1, newdata=new, n_trials="size")
    assert_array_equal(by_default, by_name)
    with pytest.raises(DataError, match="or the column 'size'"):
        res.simulate(5, newdata=new[["period", "herd"]])
