"""Degrees of freedom and covariances against lmerTest and pbkrtest."""

from __future__ import annotations

import numpy as np
import pytest

import statsmodels_mixed as smm

from .loader import coefficient_key, golds, table
from .test_gold_rlrt import DATA

UNBALANCED = {  # rows gold_infer.R left out, counted from 1
    "infer_oats_unbal": [1, 2, 7, 30, 41, 55, 66],
    "infer_sleep_int_unbal": [*range(1, 7), *range(40, 44), 99, *range(150, 156)],
}
UNBALANCED["infer_sleep_slope_unbal"] = UNBALANCED["infer_sleep_int_unbal"]
# recipe * temperature: an ordered factor, which R codes by polynomials
POLYNOMIAL = "infer_cake_rr"
GOLDS = [k for k in golds("inference") if k.startswith("infer_")]


def inference_data(name):
    """Return the data of a stored table of inference, in the rows R had."""
    gold = golds("inference")[name]
    data = table(gold["data"].split("/")[-1].split(".")[0].lower())
    return data.drop(index=[row - 1 for row in UNBALANCED.get(name, ())])


def fitted(name):
    """Return the fit, and the rows of the identity in the order of the gold."""
    gold = golds("inference")[name]
    formula = gold["formula_py"]
    if name == POLYNOMIAL:
        formula = formula.replace("temperature", "C(temperature, Poly)")
    res = smm.lmm(formula, inference_data(name)).fit()
    own = [coefficient_key(_as_in_r(n)) for n in res.model.exog_names]
    names = [coefficient_key(n) for n in gold["satterthwaite_coef"][".rownames"]]
    return gold, res, np.eye(len(own))[[own.index(n) for n in names]]


def _as_in_r(name):
    """Return R's name of a polynomial contrast."""
    name = name.replace("C(temperature, Poly)", "temperature")
    for long in ("Linear", "Quadratic", "Cubic"):
        name = name.replace(f".{long}", f".{long[0]}")
    return name


@pytest.mark.parametrize("name", GOLDS)
def test_degrees_of_freedom(name):
    gold, res, rows = fitted(name)
    for method, key in [("satterthwaite", "satterthwaite_coef"), ("kr", "kr_coef")]:
        tests = res.fixed_tests(method)
        np.testing.assert_allclose(tests.df(rows), gold[key]["df"], rtol=1e-4)
        se = np.sqrt(np.diag(rows @ tests.cov @ rows.T))
        np.testing.assert_allclose(se, gold[key]["Std. Error"], rtol=1e-5)


@pytest.mark.parametrize("name", GOLDS)
def test_kenward_roger_covariance(name):
    gold, res, rows = fitted(name)
    expected = np.array(gold["kr_vcov_adj"])
    scale = np.sqrt(np.outer(np.diag(expected), np.diag(expected)))
    own = rows @ res.fixed_tests("kr").cov @ rows.T
    np.testing.assert_allclose(own / scale, expected / scale, atol=1e-5)


def test_exact_degrees_of_freedom_of_balanced_designs():
    data = table("sleepstudy")
    res = smm.lmm("Reaction ~ Days + (Days | Subject)", data).fit()
    for method in ("satterthwaite", "kr"):
        days = res.t_test("Days = 0", df_method=method)
        np.testing.assert_allclose(days.df_denom, 17.0, rtol=1e-5)
    # the split plot of cake: recipes are compared between the 45 batches
    cake = smm.lmm(
        "angle ~ recipe * C(temperature) + (1 | recipe:replicate)", table("cake")
    ).fit()
    names = cake.model.exog_names
    recipe = np.eye(18)[[i for i, n in enumerate(names) if ":" in n]]
    for method in ("satterthwaite", "kr"):
        test = cake.f_test(recipe, df_method=method)
        np.testing.assert_allclose([test.df_num, test.df_denom], [10, 210], rtol=1e-5)
        whole = _means_of_recipes(names)
        test = cake.f_test(whole, df_method=method)
        np.testing.assert_allclose([test.df_num, test.df_denom], [2, 42], rtol=1e-5)


def _means_of_recipes(names):
    """Differences of recipes, averaged over the six temperatures."""
    out = np.zeros((2, len(names)))
    for row, recipe in enumerate(("B", "C")):
        for column, name in enumerate(names):
            if f"recipe[T.{recipe}]" in name:
                out[row, column] = 1 / 6 if ":" in name else 1.0
    return out


@pytest.mark.parametrize("name", GOLDS)
def test_standard_error_of_sigma(name):
    """Compare with the inverse Hessian in (theta, sigma) that lmerTest computes."""
    gold, res, _ = fitted(name)
    found = res.variance_params().loc["sigma", "std err"]
    expected = np.sqrt(gold["lmerTest_vcov_varpar"][-1][-1])
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_standard_error_of_a_standard_deviation():
    """Compare with the delta method on theta times sigma by hand."""
    gold, res, _ = fitted("infer_sleep_int")
    cov = np.array(gold["lmerTest_vcov_varpar"])
    slope = np.array([res.sigma, gold["theta"][0]])
    found = res.variance_params().loc["sd_Intercept|Subject", "std err"]
    np.testing.assert_allclose(found, np.sqrt(slope @ cov @ slope), rtol=1e-4)


# columns of the larger model that the smaller one of krmodcomp lacks
DROPPED = {
    "sleep_days": ("Days",),
    "sleep_quad": ("Days", "I(Days ** 2)"),
    "beets_sow": ("sow",),
    "beets_harvest": ("harvest",),
    "oats_nitro": ("C(nitro)",),
    "oats_variety": ("Variety",),
}


@pytest.mark.parametrize("name", DROPPED)
def test_comparisons_of_models_by_f_tests(name):
    """Compare with KRmodcomp and SATmodcomp of pbkrtest."""
    gold = golds("inference")["krmodcomp"]["comparisons"][name]
    formula = gold["large"].replace("^", " ** ").replace("factor(", "C(")
    data = DATA[name.partition("_")[0]]()
    res = smm.lmm(formula, data).fit()
    columns = [
        any(column.startswith(drop) for drop in DROPPED[name])
        for column in res.model.exog_names
    ]
    rows = np.eye(len(columns))[columns]
    kr, expected = res.f_test(rows, df_method="kr"), gold["KR_stats"]
    assert kr.df_num == expected["ndf"]
    np.testing.assert_allclose(kr.df_denom, expected["ddf"], rtol=1e-4)
    np.testing.assert_allclose(kr.fvalue, expected["Fstat"], rtol=1e-4)
    np.testing.assert_allclose(kr.pvalue, expected["p.value"], rtol=1e-3)
    satterthwaite, expected = res.f_test(rows), gold["SAT"]
    np.testing.assert_allclose(satterthwaite.fvalue, expected["statistic"], rtol=1e-4)
    np.testing.assert_allclose(satterthwaite.df_denom, expected["ddf"], rtol=1e-4)
