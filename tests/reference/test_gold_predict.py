"""Predictions of new rows against lme4 1.1-31 and glmmTMB 1.1.5."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

import statsmodels_mixed as smm

from .loader import golds, table

GOLD = golds("inference")["predict"]
# lme4 stops where its deviance is flat to 1e-6: modes of sleepstudy are then known to
# some 1e-6 of 250
SAME = 1e-6


def new_data(gold):
    """Return the new rows of a stored prediction, numbers as numbers."""
    data = dict(gold["newdata"])
    if "Days" in data:
        data["Days"] = np.array(data["Days"], dtype=float)
    return data


@pytest.fixture(scope="module")
def sleep():
    return smm.lmm("Reaction ~ Days + (Days | Subject)", table("sleepstudy")).fit()


@pytest.fixture(scope="module")
def penicillin():
    formula = "diameter ~ 1 + (1 | plate) + (1 | sample)"
    return smm.lmm(formula, table("penicillin")).fit()


@pytest.fixture(scope="module")
def cbpp():
    formula = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
    return smm.glmm(formula, table("cbpp"), family="binomial").fit()


# re.form of R to our options; R predicts new levels with random effects of zero
ALL = {"random": "conditional", "new_levels": "population"}
SLEEP = {
    "NA_": {},
    "NULL_new_levels": ALL,
    "intercept_only": {**ALL, "level": {"Subject": "Intercept"}},
    "slope_only": {**ALL, "level": {"Subject": ["Days"]}},
}
PENICILLIN = {
    "none": {},
    "full": ALL,
    "plate": {**ALL, "level": "plate"},
    "sample": {**ALL, "level": ["sample"]},
}
CBPP = {
    "link": {**ALL, "which": "linear"},
    "response": ALL,
    "link_fixed": {"which": "linear"},
    "response_fixed": {},
}


@pytest.mark.parametrize("name", SLEEP)
def test_sleepstudy(sleep, name):
    gold, options = GOLD["sleep"], SLEEP[name]
    got = sleep.predict(new_data(gold), **options)
    assert_allclose(got, gold[name], rtol=SAME)
    frame = sleep.get_prediction(new_data(gold), **options).summary_frame()
    assert_allclose(frame["mean"], got, rtol=1e-12)


def test_new_levels_are_refused_as_by_lme4(sleep):
    with pytest.raises(smm.errors.NewLevelError, match="NEW1"):
        sleep.predict(new_data(GOLD["sleep"]), random="conditional")
    assert "NEW1" in GOLD["sleep"]["newlevel_error"]


@pytest.mark.parametrize("name", PENICILLIN)
def test_penicillin(penicillin, name):
    gold, options = GOLD["penicillin"], PENICILLIN[name]
    got = penicillin.predict(new_data(gold), **options)
    assert_allclose(got, gold[name], rtol=SAME)


@pytest.mark.parametrize("name", CBPP)
def test_cbpp(cbpp, name):
    gold = GOLD["cbpp"]
    got = cbpp.predict(new_data(gold), **CBPP[name])
    assert_allclose(got, gold[name], rtol=SAME)


def test_standard_errors_of_glmmtmb():
    """TMB's include the uncertainty of the variances, as ours do for a GLMM.

    The Laplace approximation is exact for a normal response, so this is the ML fit of
    the linear mixed model; glmmTMB's optimum is known to some 1e-6.
    """
    gold = GOLD["glmmTMB_sleep_ml"]
    formula = "Reaction ~ Days + (Days | Subject)"
    res = smm.glmm(formula, table("sleepstudy"), family="gaussian").fit()
    got = res.get_prediction(new_data(gold), **ALL)
    assert_allclose(got.linpred, gold["fit"], rtol=SAME)
    assert_allclose(got.linpred_se, gold["se_fit"], rtol=5e-6)
    # the linear model takes the variances as known: smaller, but for a new level,
    # where their uncertainty has no part in either
    lmm = smm.lmm(formula, table("sleepstudy")).fit(reml=False)
    se = lmm.get_prediction(new_data(gold), **ALL).se_mean
    ratio = se / gold["se_fit"]
    assert (ratio[:3] < 1.0).all() and (ratio[:3] > 0.9).all()
    assert_allclose(ratio[3], 1.0, rtol=5e-6)
