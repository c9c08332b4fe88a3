"""Intervals of all parameters by all methods, and frames that print whole."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import statsmodels_mixed as smm
from statsmodels_mixed.errors import DataError
from statsmodels_mixed.printing import printed

NAMES = ["sd_Intercept|Subject", "cor_Days.Intercept|Subject", "sd_Days|Subject"]


@pytest.fixture(scope="module")
def res():
    data = smm.datasets.load("sleepstudy")
    return smm.lmm("Reaction ~ Days + (Days | Subject)", data).fit()


@pytest.mark.parametrize("method", ["wald", "profile", "boot"])
def test_every_method_names_the_same_parameters(res, method):
    options = {"n": 60, "rng": 1} if method == "boot" else {}
    table = res.intervals(method=method, **options)
    assert list(table.index) == ["Intercept", "Days", *NAMES, "sigma"]
    assert (table.lower < table.upper).all()
    estimates = np.r_[res.params, res.variance_params().estimate]
    assert (table.lower < estimates).all() and (estimates < table.upper).all()
    for which, rows in (("fixed", slice(2)), ("random", slice(2, None))):
        part = res.intervals(method=method, which=which, **options)
        np.testing.assert_allclose(part, table.iloc[rows], rtol=1e-9)


def test_wald_intervals_of_variances_by_hand(res):
    params = res.variance_params()
    table = res.intervals(0.9, which="variance")
    sd, se = params.loc["sd_Days|Subject", ["estimate", "std err"]]
    ends = np.exp(np.log(sd) + stats.norm.ppf([0.05, 0.95]) * se / sd)
    np.testing.assert_allclose(table.loc["sd_Days|Subject"], ends)
    r, se = params.loc[NAMES[1], ["estimate", "std err"]]
    z = np.arctanh(r) + stats.norm.ppf([0.05, 0.95]) * se / (1 - r**2)
    np.testing.assert_allclose(table.loc[NAMES[1]], np.tanh(z))


def test_conf_int_is_statsmodels_by_default(res):
    table = res.conf_int(alpha=0.1)
    assert list(table.columns) == [0, 1] and list(table.index) == ["Intercept", "Days"]
    np.testing.assert_allclose(table, res.intervals(0.9, which="fixed"))
    assert isinstance(res._results.conf_int(), np.ndarray)
    np.testing.assert_allclose(res.conf_int(cols=[1]), res.conf_int().iloc[[1]])
    every = res.conf_int(method="profile")
    assert len(every) == 6
    assert "alpha" in str(type(res).conf_int.__doc__)


def test_titles_say_what_was_done(res):
    assert "95% intervals, Wald" in repr(res.intervals())
    assert "Satterthwaite" in repr(res.intervals())
    profile = repr(res.intervals(method="profile"))
    assert "refitted by ML" in profile and "chi-square" in profile
    assert "40 draws" in repr(res.intervals(method="boot", n=40, rng=1))
    flat = smm.lmm("Yield ~ 1 + (1 | Batch)", smm.datasets.load("dyestuff2")).fit()
    assert "method='profile'" in repr(flat.intervals())
    assert "bound" in repr(flat.variance_params())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "exact"}, "method"),
        ({"which": "some"}, "which"),
        ({"level": 95}, "between 0 and 1"),
        ({"alpha": 0.1}, "level="),
        ({"method": "profile", "df_method": "kr"}, "df_method"),
    ],
)
def test_bad_requests(res, options, message):
    with pytest.raises(DataError, match=message):
        res.intervals(**options)


def test_printed_frames_are_frames():
    frame = pd.DataFrame(
        {"F": [45.853, np.nan], "den_df": [17.00001, 8.25], "pvalue": [3e-6, 0.2]},
        index=["a", "b"],
    )
    table = printed(frame, "Tests", ["A note."])
    text = repr(table)
    assert text.startswith("Tests\n") and text.endswith("\nA note.")
    assert "<0.0001" in text and "8.25" in text and "17 " in text
    assert "17.00" not in text and "nan" not in text.lower()
    assert type(table.round(2)) is pd.DataFrame and type(table["F"]) is pd.Series
    assert table.loc["a", "F"] == 45.853
    assert repr(pickle.loads(pickle.dumps(table))) == text
    assert "Tests" in table._repr_html_()
    pd.testing.assert_frame_equal(pd.DataFrame(table), frame)


def test_a_correlation_on_its_bound_has_no_standard_error():
    g = np.repeat(np.arange(9), 7)
    rng = np.random.default_rng(3)
    x = rng.normal(size=63)
    effect = rng.normal(size=9)[g]
    y = 3 * effect * (1 + 0.5 * x) + 0.5 * rng.normal(size=63)
    res = smm.lmm("y ~ x + (x | g)", pd.DataFrame({"y": y, "x": x, "g": g})).fit()
    assert abs(res.varcorr().sdcor.iloc[2]) == pytest.approx(1.0)
    table = res.variance_params()
    assert np.isnan(
        table.loc["cor_x.Intercept|g", ["std err", "lower"]].to_numpy()
    ).all()
    assert "profile" in repr(table) and "profile" in repr(res.intervals())


def test_a_draw_in_which_the_statistic_fails_is_counted(res):
    calls = []

    def statistic(results):
        calls.append(0)
        if len(calls) == 5:
            raise ValueError("no luck")
        return results.sigma

    boot = res.bootstrap(12, statistic=statistic, rng=1)
    assert boot.n_failed == 1 and len(boot.draws) == 11
    assert "ValueError: no luck" in boot.failures.iloc[0]
    with pytest.raises(DataError, match="which="):
        res.intervals(
            method="boot", which="fixed", n=5, rng=1, statistic=lambda r: r.sigma
        )


def test_repr_of_results_and_tests(res):
    assert "Reaction ~ Days + (Days | Subject)" in repr(res)
    assert "REML" in repr(res) and "180 rows" in repr(res)
    assert "17, 17" in repr(res.fixed_tests())


def test_summary_counts_rows_that_were_not_used():
    data = smm.datasets.load("sleepstudy")
    data.loc[[3, 5], "Days"] = np.nan
    text = smm.lmm("Reaction ~ Days + (1 | Subject)", data).fit().summary().as_text()
    assert "Rows not used: 2 of 180" in text


# ---- tests that statsmodels would make otherwise --------------------------------


def test_wald_test_with_statsmodels_arguments(res):
    rows = np.eye(2)
    cov = res.cov_params().to_numpy()
    plain = res.wald_test(rows)
    same = res.wald_test(rows, invcov=np.linalg.inv(cov))
    np.testing.assert_allclose(same.statistic, plain.statistic)
    np.testing.assert_allclose(same.pvalue, plain.pvalue)
    fewer = res.wald_test(rows, df_constraints=1)
    assert fewer.df_num == 1 and np.isscalar(float(fewer.pvalue))
    np.testing.assert_allclose(fewer.statistic, 2 * plain.statistic)
    assert "F test" in str(fewer)


def test_t_test_with_another_covariance_has_residual_df(res):
    test = res.t_test("Days = 0", cov_p=np.diag([1.0, 4.0]))
    assert test.df_denom.tolist() == [178]
    with pytest.raises(DataError, match="cov_p"):
        res.t_test("Days = 0", cov_p=np.eye(2), df_method="kr")


@pytest.mark.parametrize("hypothesis", ["Dayz = 0", np.eye(3)])
def test_hypotheses_that_are_not_understood(res, hypothesis):
    with pytest.raises(DataError, match="Intercept, Days"):
        res.t_test(hypothesis)


def test_contradictions_are_refused(res):
    with pytest.raises(DataError, match="contradicts"):
        res.t_test("Days = 0", use_t=False, df_method="kr")
    with pytest.raises(DataError, match="df_method"):
        res.fixed_tests("")


def test_methods_are_checked_before_the_fit():
    data = smm.datasets.load("penicillin")
    model = smm.lmm("diameter ~ 1 + (1 | plate) + (1 | sample)", data)
    with pytest.raises(DataError, match="not nested"):
        model.fit(df_method="between-within")
    with pytest.raises(DataError, match="REML"):
        model.fit(reml=False, df_method="kr")
    plain = smm.lmm("diameter ~ 1 + (1 | plate)", data)
    with pytest.raises(DataError, match="cov_type"):
        plain.fit(cov_type="cluster", df_method="kr")
    cbpp = smm.datasets.load("cbpp")
    formula = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
    with pytest.raises(DataError, match="linear mixed models"):
        smm.glmm(formula, cbpp).fit(df_method="satterthwaite")
