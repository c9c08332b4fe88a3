"""What statsmodels and its users expect of a results object.

One test per row of the contract table (shared/statsmodels-integration.md, 2b) and
per complaint of the statsmodels tracker that concerns linear mixed models.
"""

import copy
import pickle

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from statsmodels.formula import options
from statsmodels.iolib.smpickle import load_pickle
from statsmodels.iolib.summary import summary_params_frame
from statsmodels.iolib.summary2 import summary_col, summary_model, summary_params
from statsmodels.iolib.table import SimpleTable
from statsmodels.stats import diagnostic, outliers_influence, stattools

import statsmodels_mixed as smm
from statsmodels_mixed.errors import ComparisonError, DataError


def squared(x):
    """User function of a formula; pickles by its name."""
    return x**2


@pytest.fixture(scope="module")
def sleepstudy():
    return smm.datasets.load("sleepstudy")


@pytest.fixture(scope="module")
def res(sleepstudy):
    return smm.lmm("Reaction ~ Days + (Days | Subject)", sleepstudy).fit()


@pytest.fixture(scope="module")
def ml(sleepstudy):
    return smm.lmm("Reaction ~ Days + (Days | Subject)", sleepstudy).fit(reml=False)


@pytest.fixture(scope="module")
def machines():
    return smm.datasets.load("machines")


@pytest.fixture(scope="module")
def factor(machines):
    return smm.lmm("score ~ Machine + (1 | Worker)", machines).fit()


@pytest.fixture(params=["patsy", "formulaic"])
def engine(request):
    before = options.formula_engine
    options.formula_engine = request.param
    yield request.param
    options.formula_engine = before


# ---- tables -------------------------------------------------------------------


def test_summary_as_text(res):
    text = res.summary().as_text()
    for expected in (
        "Linear Mixed Model Results",
        "Dep. Variable:               Reaction",
        "REML criterion:              1743.6283",
        "No. Observations:                 180",
        "Levels Subject:                    18",
        "Days         10.4673     1.546     17     6.771",
        "612.0899    24.7405",
        "35.0717     5.9221       0.066",
        "converged",
    ):
        assert expected in text
    assert max(map(len, text.splitlines())) <= 80


def test_summary_as_html_and_latex(res):
    html, latex = res.summary().as_html(), res.summary().as_latex()
    assert html.count("<table") == 3 and "612.0899" in html
    assert "tabular" in latex and "612.0899" in latex


def test_tables_of_the_summary_are_simple_tables(res):
    tables = res.summary().tables
    assert all(isinstance(table, SimpleTable) for table in tables)
    assert [row[0].data.strip() for row in tables[1][1:]] == ["Intercept", "Days"]
    assert "Days" in tables[1].as_html()


def test_summary_says_what_a_reader_must_know(sleepstudy):
    data = sleepstudy.assign(
        twice=2.0 * sleepstudy.Days, w=np.linspace(1.0, 2.0, 180), o=1.0
    )
    with pytest.warns(smm.errors.RankDeficiencyWarning):
        model = smm.lmm(
            "Reaction ~ Days + twice + offset(o) + (1 | Subject)", data, weights="w"
        )
    text = model.fit(use_t=True).summary().as_text()
    assert "left out: twice" in text
    assert "The model has an offset." in text
    assert "Weights:" in text
    assert "Satterthwaite degrees of freedom" in text and "P>|t|" in text


def test_summary_without_fixed_effects(sleepstudy):
    centred = sleepstudy.assign(Reaction=sleepstudy.Reaction - 298.5)
    fit = smm.lmm("Reaction ~ 0 + (1 | Subject)", centred).fit()
    assert len(fit.params) == 0
    text = fit.summary().as_text()
    assert "Random effects" in text and "Intercept" in text
    assert fit.summary().as_html() and fit.summary().as_latex()


def test_summary_without_random_effects(sleepstudy):
    text = smm.lmm("Reaction ~ Days", sleepstudy).fit().summary().as_text()
    assert "Residual" in text and "Levels" not in text


def test_summary_keeps_long_names_and_names_repeated_effects(sleepstudy):
    data = sleepstudy.rename(columns={"Subject": "identifier_of_the_subject"})
    data["session_of_the_experiment"] = np.arange(180) % 4
    fit = smm.lmm(
        "Reaction ~ Days + (Days || identifier_of_the_subject)"
        " + (1 | session_of_the_experiment)",
        data,
    ).fit()
    text = fit.summary().as_text()
    assert "identifier_of_the_subject" in text
    assert "session_of_the_experiment" in text
    body = text[text.index("Random effects") :]
    effects = [line.split()[:2] for line in body.splitlines()[4:7]]
    assert effects == [
        ["identifier_of_the_subject", "Intercept"],
        ["Days", effects[1][1]],
        ["session_of_the_experiment", "Intercept"],
    ]


def test_summary_takes_names_title_and_alpha(res):
    text = res.summary("ms", ["a", "b"], "Title", alpha=0.1).as_text()
    assert (
        "Title" in text
        and "ms" in text
        and "[0.05       0.95]"
        in text.replace("0.950", "0.95").replace("0.050", "0.05")
    )


def test_summary_col_beside_ols(res, sleepstudy):
    ols = smf.ols("Reaction ~ Days", sleepstudy).fit()
    text = summary_col([res, ols], stars=True, model_names=["lmm", "ols"]).as_text()
    assert "lmm" in text and "ols" in text
    assert "10.4673***" in text and "(1.5458)" in text and "(1.2382)" in text


def test_summary2_helpers(res):
    params = summary_params(res)
    np.testing.assert_allclose(params["Std.Err."], res.bse)
    info = summary_model(res)
    assert (
        info["Dependent Variable:"] == "Reaction" and info["Df Model:"].strip() == "1"
    )


def test_summary_params_frame(res):
    table = summary_params_frame(res)
    np.testing.assert_allclose(table["coef"], res.params)
    np.testing.assert_allclose(table["std err"], res.bse)


# ---- inference ----------------------------------------------------------------


@pytest.mark.parametrize(("method", "df"), [(None, 17), ("z", np.inf), ("kr", 17)])
def test_pvalues_and_intervals(res, method, df):
    from scipy import stats

    fit = res.model.fit(df_method=method)
    law = stats.norm if df == np.inf else stats.t(df)
    z = fit.params / fit.bse
    np.testing.assert_allclose(fit.tvalues, z)
    np.testing.assert_allclose(fit.pvalues, 2 * law.sf(abs(z)), rtol=1e-6)
    half = law.ppf(0.95) * fit.bse
    interval = fit.conf_int(alpha=0.1)
    np.testing.assert_allclose(interval[0], fit.params - half)
    np.testing.assert_allclose(interval[1], fit.params + half)
    assert list(interval.index) == ["Intercept", "Days"]


def test_pvalues_and_intervals_of_student(res):
    from scipy import stats

    student = res.model.fit(df_method="residual")
    assert student.df_resid == 178
    np.testing.assert_allclose(
        student.pvalues, 2 * stats.t.sf(abs(res.tvalues), 178), rtol=1e-12
    )
    half = stats.t.ppf(0.975, 178) * res.bse
    np.testing.assert_allclose(student.conf_int()[1], res.params + half)
    np.testing.assert_allclose(
        student.t_test("Days = 0").pvalue, student.pvalues["Days"], rtol=1e-12
    )


@pytest.mark.parametrize("contrast", ["Days = 0", "Days", [0, 1], [[0, 1]]])
def test_t_test(res, contrast):
    test = res.t_test(contrast)
    np.testing.assert_allclose(np.squeeze(test.effect), res.params["Days"])
    np.testing.assert_allclose(np.squeeze(test.sd), res.bse["Days"])
    np.testing.assert_allclose(np.squeeze(test.pvalue), res.pvalues["Days"])


def test_t_test_of_several_and_of_a_sum(res):
    test = res.t_test("Intercept = 250, Intercept + 10 * Days = 350")
    value = np.array([res.params["Intercept"], res.params @ [1, 10]])
    np.testing.assert_allclose(test.effect, value)
    sd = np.sqrt(np.array([1, 10]) @ res.cov_params().to_numpy() @ [1, 10])
    np.testing.assert_allclose(np.squeeze(test.sd)[1], sd)
    np.testing.assert_allclose(test.tvalue[1], (value[1] - 350) / sd)
    assert test.summary_frame().shape[0] == 2


def test_t_test_with_another_covariance(res):
    test = res.t_test("Days = 0", cov_p=np.diag([1.0, 4.0]))
    np.testing.assert_allclose(np.squeeze(test.sd), 2.0)


@pytest.mark.parametrize("contrast", ["Intercept = 0, Days = 0", np.eye(2)])
def test_wald_test(res, contrast):
    b = res.params.to_numpy()
    statistic = b @ np.linalg.solve(res.cov_params().to_numpy(), b)
    test = res.wald_test(contrast, scalar=True, use_f=False)
    np.testing.assert_allclose(test.statistic, statistic)
    assert test.distribution == "chi2"
    assert res.wald_test(contrast, df_method="z").distribution == "chi2"
    test = res.wald_test(contrast)
    np.testing.assert_allclose(test.statistic, statistic / 2)
    assert test.distribution == "F"


@pytest.mark.parametrize(("method", "df"), [(None, 17), ("residual", 178), ("z", 178)])
def test_f_test(res, method, df):
    test = res.f_test("Days = 0", df_method=method)
    np.testing.assert_allclose(test.fvalue, res.tvalues["Days"] ** 2)
    assert test.df_num == 1
    np.testing.assert_allclose(test.df_denom, df, rtol=1e-6)


def test_degrees_of_freedom_by_call(res):
    within = res.t_test("Days = 0", df_method="between-within")
    assert within.df_denom.tolist() == [161]
    normal = res.t_test("Days = 0", use_t=False)
    assert normal.distribution == "norm"


def test_wald_test_terms(factor, engine):
    table = factor.wald_test_terms(scalar=True).table
    assert list(table.index) == ["Intercept", "Machine"]
    by_hand = factor.wald_test(np.eye(3)[1:], scalar=True)
    np.testing.assert_allclose(table.loc["Machine", "statistic"], by_hand.statistic)
    np.testing.assert_allclose(table.loc["Machine", "pvalue"], by_hand.pvalue)
    assert table.loc["Machine", "df_constraint"] == 2


def test_wald_test_terms_of_student(machines):
    fit = smm.lmm("score ~ Machine + (1 | Worker)", machines).fit()
    table = fit.wald_test_terms(scalar=True).table
    np.testing.assert_allclose(table.loc["Machine", "df_denom"], 46, rtol=1e-6)
    table = fit.wald_test_terms(df_method="residual").table
    assert table.loc["Machine", "df_denom"] == 51
    np.testing.assert_allclose(
        table.loc["Machine", "statistic"], fit.f_test(np.eye(3)[1:]).fvalue
    )


def test_wald_test_terms_combines_and_adds_terms(machines):
    data = machines.assign(x=np.arange(54) % 5)
    fit = smm.lmm("score ~ Machine * x + (1 | Worker)", data).fit()
    result = fit.wald_test_terms(
        skip_single=True,
        combine_terms=["x"],
        extra_constraints=[("first", np.eye(6)[:1])],
        scalar=True,
    )
    table = result.table
    assert list(table.index) == ["Machine", "Machine:x", "x", "first"]
    joint = fit.wald_test(np.eye(6)[[3, 4, 5]], scalar=True)
    np.testing.assert_allclose(table.loc["x", "statistic"], joint.statistic)
    with pytest.raises(DataError, match="'q'"):
        fit.wald_test_terms(combine_terms=["q"])


def test_model_and_predict_do_not_depend_on_the_formula_engine(machines, engine):
    fit = smm.lmm("score ~ Machine + (1 | Worker)", machines).fit()
    np.testing.assert_allclose(fit.params["Machine[T.B]"], 7.966666667, rtol=1e-9)
    loaded = pickle.loads(pickle.dumps(fit))
    options.formula_engine = {"patsy": "formulaic", "formulaic": "patsy"}[engine]
    np.testing.assert_array_equal(loaded.predict(machines), fit.predict(machines))
    assert len(loaded.wald_test_terms(scalar=True).table) == 2


def test_t_test_pairwise(factor):
    frame = factor.t_test_pairwise("Machine").result_frame
    assert list(frame.index) == ["B-A", "C-A", "C-B"]
    b = factor.params
    np.testing.assert_allclose(frame.loc["B-A", "coef"], b["Machine[T.B]"])
    np.testing.assert_allclose(
        frame.loc["C-B", "coef"], b["Machine[T.C]"] - b["Machine[T.B]"]
    )


def test_cov_params_of_combinations(res):
    cov = res.cov_params()
    assert list(cov.index) == list(cov.columns) == ["Intercept", "Days"]
    r = np.array([[1.0, 2.0]])
    np.testing.assert_allclose(res.cov_params(r_matrix=r), r @ cov @ r.T)
    np.testing.assert_allclose(res.cov_params(r_matrix=r[0]), r[0] @ cov @ r[0])
    np.testing.assert_allclose(
        res.cov_params(r_matrix=r, other=np.eye(2)), r @ cov.to_numpy()
    )
    np.testing.assert_allclose(res.cov_params(column=[1]), [[cov.loc["Days", "Days"]]])
    np.testing.assert_allclose(res.cov_params(column=1), cov.loc["Days", "Days"])


def test_square_combinations_are_not_labelled_as_parameters(res):
    r = np.array([[1.0, 0.0], [1.0, 9.0]])
    values = res.cov_params(r_matrix=r)
    assert isinstance(values, np.ndarray)
    np.testing.assert_allclose(values, r @ res.cov_params().to_numpy() @ r.T)


def test_counts(res, factor):
    assert (res.nobs, res.df_model, res.df_resid) == (180.0, 1.0, 178.0)
    assert (factor.df_model, factor.df_resid, factor.model.k_constant) == (2, 51, 1)
    assert res.df_modelwc == 6  # two means, three (co)variances, the residual's
    assert all(isinstance(v, float) for v in (res.nobs, res.df_model, res.df_resid))


@pytest.mark.parametrize("reml", [True, False])
def test_information_criteria(sleepstudy, reml):
    fit = smm.lmm("Reaction ~ Days + (Days | Subject)", sleepstudy).fit(reml=reml)
    k, n = 6, 180
    expected = {
        "aic": fit.deviance + 2 * k,
        "bic": fit.deviance + np.log(n) * k,
        "aicc": fit.deviance + 2 * k + 2 * k * (k + 1) / (n - k - 1),
    }
    assert fit.llf == -fit.deviance / 2
    for name, value in expected.items():
        np.testing.assert_allclose(getattr(fit, name), value, rtol=1e-13)
        np.testing.assert_allclose(fit.info_criteria(name), value, rtol=1e-13)
    np.testing.assert_allclose(
        fit.info_criteria("hqic"), fit.deviance + 2 * np.log(np.log(n)) * k, rtol=1e-13
    )
    np.testing.assert_allclose(
        fit.info_criteria("aic", dk_params=1), fit.aic + 2, rtol=1e-13
    )
    with pytest.raises(DataError, match="crit='dic'"):
        fit.info_criteria("dic")


def test_llf_is_that_of_the_model_at_the_estimates(ml):
    relative = [c.to_numpy() / ml.scale for c in ml.cov_re.values()]
    value = ml.model.loglike(ml.params, relative, ml.scale)
    np.testing.assert_allclose(value, ml.llf, rtol=1e-12)
    score = ml.model.score(ml.params, relative, ml.scale)
    np.testing.assert_allclose(score * ml.bse, 0.0, atol=1e-7)
    hessian = ml.model.hessian(ml.params, relative, ml.scale)
    np.testing.assert_allclose(-np.linalg.inv(hessian), ml.cov_params(), rtol=1e-9)


# ---- likelihood-ratio tests -----------------------------------------------------


def _sleep(data, formula, **kwargs):
    return smm.lmm(f"Reaction ~ {formula}", data).fit(**kwargs)


def test_compare_lr_test_of_fixed_effects(ml, sleepstudy):
    from scipy import stats

    small = _sleep(sleepstudy, "1 + (Days | Subject)", reml=False)
    statistic, pvalue, df = ml.compare_lr_test(small)
    np.testing.assert_allclose(statistic, 23.5365, atol=1e-3)  # lme4's anova
    assert df == 1
    np.testing.assert_allclose(pvalue, stats.chi2.sf(statistic, 1))
    assert ml.compare_lr_test(small).note == ""


def test_compare_lr_test_of_a_variance_notes_the_boundary(res, sleepstudy):
    small = _sleep(sleepstudy, "Days + (1 | Subject)")
    test = res.compare_lr_test(small)
    assert test.df_diff == 2 and "bound" in test.note
    assert test.note in repr(test)
    again = pickle.loads(pickle.dumps(test))
    assert tuple(again) == tuple(test) and again.note == test.note


def test_compare_lr_test_against_ols(ml, sleepstudy):
    ols = smf.ols("Reaction ~ Days", sleepstudy).fit()
    test = ml.compare_lr_test(ols)
    np.testing.assert_allclose(test.statistic, 2 * (ml.llf - ols.llf))
    assert test.df_diff == 3


def test_compare_lr_test_guards(res, ml, sleepstudy):
    with pytest.raises(ComparisonError, match=r"fit\(reml=False\)"):
        res.compare_lr_test(_sleep(sleepstudy, "1 + (Days | Subject)"))
    with pytest.raises(ComparisonError, match="REML, the other by ML"):
        res.compare_lr_test(ml)
    with pytest.raises(ComparisonError, match="180 and 179 rows"):
        fewer = sleepstudy.iloc[1:]
        ml.compare_lr_test(_sleep(fewer, "Days + (1 | Subject)", reml=False))
    with pytest.raises(ComparisonError, match="different responses"):
        other = sleepstudy.assign(Reaction=sleepstudy.Reaction + 1.0)
        ml.compare_lr_test(_sleep(other, "Days + (1 | Subject)", reml=False))
    with pytest.raises(ComparisonError, match="at least as many"):
        _sleep(sleepstudy, "1 + (Days | Subject)", reml=False).compare_lr_test(ml)
    with pytest.raises(ComparisonError, match="not nested"):
        data = sleepstudy.assign(x=np.arange(180) % 7)
        ml.compare_lr_test(_sleep(data, "x + (1 | Subject)", reml=False))
    with pytest.raises(ComparisonError, match="weights"):
        weighted = smm.lmm(
            "Reaction ~ Days + (1 | Subject)", sleepstudy, weights=np.arange(1, 181)
        )
        ml.compare_lr_test(weighted.fit(reml=False))


def test_reml_fits_of_the_same_means_in_other_units_are_refused(res, sleepstudy):
    """Their criteria differ by the log-determinant of the change of columns."""
    data = sleepstudy.assign(twice=2.0 * sleepstudy.Days)
    small, same = (_sleep(data, f"{x} + (1 | Subject)") for x in ("twice", "Days"))
    assert abs(small.llf - same.llf) > 0.5
    with pytest.raises(ComparisonError, match=r"coding and units.*reml=False"):
        res.compare_lr_test(small)
    swapped = _sleep(data, "0 + Days + I(Days * 0 + 1) + (1 | Subject)")
    assert res.compare_lr_test(swapped) == res.compare_lr_test(same)


def test_random_terms_must_be_nested(sleepstudy):
    def ml(text):
        return _sleep(sleepstudy, text, reml=False)

    full = ml("Days + (Days | Subject)")
    for other in ("(1 | Days)", "(0 + I(Days**2) | Subject)"):
        with pytest.raises(ComparisonError, match="random term"):
            full.compare_lr_test(ml(f"Days + {other}"))
    with pytest.raises(ComparisonError, match="offsets"):
        full.compare_lr_test(ml("Days + offset(Days**2) + (1 | Subject)"))
    assert "bound" in full.compare_lr_test(ml("Days + (1 | Subject)")).note
    # a correlation of zero is no bound
    assert full.compare_lr_test(ml("Days + (Days || Subject)")).note == ""


# ---- prediction -----------------------------------------------------------------


def test_predict_forms(res, sleepstudy):
    np.testing.assert_array_equal(res.predict(), res.fitted_marginal)
    np.testing.assert_allclose(res.predict(sleepstudy), res.fitted_marginal, rtol=1e-14)
    np.testing.assert_array_equal(res.predict(random="conditional"), res.fittedvalues)
    new = sleepstudy.iloc[[3, 77, 20]]
    both = res.predict(new, random="conditional")
    assert list(both.index) == list(new.index)
    np.testing.assert_allclose(both, res.fittedvalues.loc[new.index], rtol=1e-13)
    one = {"Days": [4.0]}
    np.testing.assert_allclose(res.predict(one), res.params @ [1, 4])
    matrix = np.array([[1.0, 4.0], [1.0, 5.0]])
    np.testing.assert_allclose(
        res.predict(matrix, transform=False), matrix @ res.params.to_numpy()
    )


def test_predict_of_a_model_built_from_arrays(res, sleepstudy):
    x = np.column_stack([np.ones(180), sleepstudy.Days])
    fit = smm.LMM(sleepstudy.Reaction, x, random=[(sleepstudy.Subject, x)]).fit()
    np.testing.assert_allclose(fit.params, res.params, rtol=1e-9)
    np.testing.assert_allclose(fit.predict(), res.predict(), rtol=1e-9)
    np.testing.assert_allclose(fit.predict(x[:3]), res.predict()[:3], rtol=1e-9)
    np.testing.assert_allclose(fit.fittedvalues, res.fittedvalues, rtol=1e-7)
    with pytest.raises(DataError, match="random_data="):
        fit.predict(x[:3], random="conditional")
    with pytest.raises(DataError, match=r"\(3, 1\)"):
        fit.predict(x[:3, :1])


def test_model_predict(res, sleepstudy):
    model = res.model
    np.testing.assert_allclose(model.predict(res.params), res.fitted_marginal)
    row = np.array([1.0, 2.0])
    for which in ("mean", "linear"):
        np.testing.assert_allclose(
            model.predict(res.params, row, which=which), [res.params @ row]
        )
    with pytest.raises(DataError, match="which='prob'"):
        model.predict(res.params, row, which="prob")


def test_get_prediction(res, sleepstudy):
    from scipy import stats

    new = pd.DataFrame({"Days": [0.0, 9.0]}, index=["first", "last"])
    frame = res.get_prediction(new, df_method="normal").summary_frame(alpha=0.1)
    x = np.array([[1.0, 0.0], [1.0, 9.0]])
    np.testing.assert_allclose(frame["mean"], x @ res.params.to_numpy())
    se = np.sqrt(np.diag(x @ res.cov_params().to_numpy() @ x.T))
    np.testing.assert_allclose(frame["mean_se"], se)
    np.testing.assert_allclose(
        frame["mean_ci_upper"], frame["mean"] + stats.norm.ppf(0.95) * se
    )
    spread = np.diag(x @ res.cov_re["Subject"].to_numpy() @ x.T) + res.scale
    np.testing.assert_allclose(
        frame["obs_ci_upper"],
        frame["mean"] + stats.norm.ppf(0.95) * np.sqrt(se**2 + spread),
    )
    assert list(frame.index) == ["first", "last"]
    own = res.get_prediction()
    again = res.get_prediction(sleepstudy)
    np.testing.assert_allclose(own.se_obs, again.se_obs, rtol=1e-12)
    np.testing.assert_allclose(own.predicted_mean, again.predicted_mean, rtol=1e-12)


def test_get_prediction_of_student_and_of_arrays(sleepstudy):
    from scipy import stats

    x = np.column_stack([np.ones(180), sleepstudy.Days])
    fit = smm.LMM(sleepstudy.Reaction, x, random=[sleepstudy.Subject]).fit(
        df_method="residual"
    )
    got = fit.get_prediction(x[:2])
    half = stats.t.ppf(0.975, 178) * got.se_mean
    np.testing.assert_allclose(got.conf_int()[:, 1], got.predicted_mean + half)
    spread = np.sqrt(got.se_mean**2 + fit.cov_re["Subject"].iloc[0, 0] + fit.scale)
    np.testing.assert_allclose(got.se_obs, spread)


# ---- labels ---------------------------------------------------------------------


def test_wrapper_attributes_have_labels(sleepstudy):
    data = sleepstudy.set_index(pd.Index([f"r{i}" for i in range(180)]))
    data.loc["r5", "Days"] = np.nan
    fit = smm.lmm("Reaction ~ Days + (Days | Subject)", data).fit()
    for name in ("params", "bse", "tvalues", "pvalues", "fe_params", "bse_fe"):
        value = getattr(fit, name)
        assert isinstance(value, pd.Series) and list(value.index) == [
            "Intercept",
            "Days",
        ]
    rows = [f"r{i}" for i in range(180) if i != 5]
    names = ("resid", "fittedvalues", "fitted_marginal", "resid_pearson")
    for name in names:
        value = getattr(fit, name)
        assert isinstance(value, pd.Series) and list(value.index) == rows
    assert list(fit.predict().index) == rows
    assert list(fit.simulate(rng=1).index) == rows
    np.testing.assert_allclose(
        fit.resid, data.Reaction[rows] - fit.fittedvalues, rtol=1e-12
    )


def test_names_of_the_model(res, sleepstudy):
    model = res.model
    assert model.endog_names == "Reaction"
    assert model.exog_names == ["Intercept", "Days"]
    assert model.data.param_names == model.data.cov_names == model.exog_names
    assert model.formula == "Reaction ~ Days"
    assert model.formula_full == "Reaction ~ Days + (Days | Subject)"
    assert model.data.frame.equals(sleepstudy)
    np.testing.assert_array_equal(model.endog, sleepstudy.Reaction)
    np.testing.assert_array_equal(model.exog[:, 1], sleepstudy.Days)


def test_frame_of_the_model_is_the_subset(sleepstudy):
    keep = (sleepstudy.Days > 2).to_numpy()
    model = smm.lmm("Reaction ~ Days + (1 | Subject)", sleepstudy, subset=keep)
    assert model.data.frame.equals(sleepstudy[keep])
    assert model.nobs == keep.sum()


@pytest.mark.parametrize("kind", ["dict", "polars"])
def test_frame_of_the_model_is_always_pandas(sleepstudy, kind):
    pl = pytest.importorskip("polars")
    data = {c: sleepstudy[c].to_numpy() for c in ("Reaction", "Days")}
    data["Subject"] = sleepstudy.Subject.astype(str).tolist()
    data = pl.DataFrame(data) if kind == "polars" else data
    model = smm.lmm("Reaction ~ Days + (1 | Subject)", data)
    assert isinstance(model.data.frame, pd.DataFrame)
    np.testing.assert_array_equal(model.data.frame.Days, sleepstudy.Days)


# ---- pickles --------------------------------------------------------------------


def _roundtrips(tmp_path):
    def save(result):
        result.save(tmp_path / "fit.pickle")
        return load_pickle(tmp_path / "fit.pickle")

    def save_and_load(result):
        result.save(tmp_path / "fit.pickle")
        return smm.LMMResults.load(tmp_path / "fit.pickle")

    return [
        lambda result: pickle.loads(pickle.dumps(result)),
        copy.deepcopy,
        save,
        save_and_load,
    ]


def _local_formula(data):
    factor = 2.0  # a local variable of the formula, gone when it is loaded
    knots = [2.0, 5.0]
    assert factor and knots
    return smm.lmm(
        "np.log(Reaction) ~ I(factor * Days) + bs(Days, knots=knots)"
        " + (center(Days) | Subject)",
        data,
    )


FORMULAS = {
    "plain": lambda d: smm.lmm("Reaction ~ Days + (Days | Subject)", d),
    "local variables": _local_formula,
    "user function": lambda d: smm.lmm(
        "Reaction ~ squared(Days) + (squared(Days) | Subject)", d
    ),
    "stateful": lambda d: smm.lmm(
        "Reaction ~ standardize(Days) + (standardize(Days) || Subject)", d
    ),
    "splines": lambda d: smm.lmm("Reaction ~ cr(Days, df=4) + (1 | Subject)", d),
    "factor": lambda d: smm.lmm(
        "Reaction ~ C(Days, Sum) + (1 | C(Subject)) + offset(Days)", d
    ),
    "local name of a column": lambda d: (lambda Days: _shadowed(d, Days))(
        _ for _ in ()
    ),
}


def _shadowed(data, Days):
    # a local of the caller that cannot be pickled and has the name of a column
    assert Days is not None
    return smm.lmm("Reaction ~ Days + (1 | Subject)", data)


@pytest.mark.filterwarnings("ignore::statsmodels_mixed.errors.RankDeficiencyWarning")
@pytest.mark.parametrize("name", FORMULAS)
def test_saved_results_predict_as_before(sleepstudy, tmp_path, name):
    fit = FORMULAS[name](sleepstudy).fit()
    new = sleepstudy.iloc[40:60].assign(Days=[*range(9, -1, -1)] * 2)
    expected = [fit.predict(new, random=r) for r in ("none", "conditional")]
    for roundtrip in _roundtrips(tmp_path):
        again = roundtrip(fit)
        for random, values in zip(("none", "conditional"), expected, strict=True):
            pd.testing.assert_series_equal(again.predict(new, random=random), values)
        assert again.summary().as_text() == fit.summary().as_text()
        assert len(again.wald_test_terms(scalar=True).table)
        np.testing.assert_array_equal(again.resid, fit.resid)
        np.testing.assert_array_equal(again.model.fit().params, fit.params)


def test_saved_lambda_says_what_was_lost(sleepstudy):
    twice = lambda x: 2.0 * x  # noqa: E731
    fit = smm.lmm("Reaction ~ twice(Days) + (1 | Subject)", sleepstudy).fit()
    assert twice(1.0) == 2.0
    again = pickle.loads(pickle.dumps(fit))
    np.testing.assert_array_equal(again.params, fit.params)
    with pytest.raises(DataError, match=r"lambda.*define it in a module"):
        again.predict(sleepstudy)


def test_remove_data_keeps_what_does_not_need_rows(res, sleepstudy):
    fit = pickle.loads(pickle.dumps(res))
    new = sleepstudy.iloc[::7]
    expected = {
        "summary": fit.summary().as_text(),
        "test": fit.t_test("Days = 0").summary_frame(),
        "predict": fit.predict(new),
        "conditional": fit.predict(new, random="conditional"),
        "interval": fit.get_prediction(new).summary_frame(),
        "varcorr": fit.varcorr(),
        "modes": fit.random_effects["Subject"],
        "coef": fit.coef()["Subject"],
        "terms": fit.wald_test_terms(scalar=True).table,
        "theta": fit.theta,
        "cov": fit.cov_params(),
    }
    fit.remove_data()
    fit.remove_data()
    for fit in (fit, pickle.loads(pickle.dumps(fit))):  # noqa: B020
        got = {
            "summary": fit.summary().as_text(),
            "test": fit.t_test("Days = 0").summary_frame(),
            "predict": fit.predict(new),
            "conditional": fit.predict(new, random="conditional"),
            "interval": fit.get_prediction(new).summary_frame(),
            "varcorr": fit.varcorr(),
            "modes": fit.random_effects["Subject"],
            "coef": fit.coef()["Subject"],
            "terms": fit.wald_test_terms(scalar=True).table,
            "theta": fit.theta,
            "cov": fit.cov_params(),
        }
        assert got.pop("summary") == expected["summary"]
        for name, value in got.items():
            assert value.equals(expected[name]), name
        assert (fit.aic, fit.bic, fit.aicc) == (res.aic, res.bic, res.aicc)
        assert fit.ngroups == {"Subject": 18} and fit.converged


def test_remove_data_before_anything_was_computed(sleepstudy):
    fit = smm.lmm("Reaction ~ Days + (Days | Subject)", sleepstudy).fit()
    fit.remove_data()
    assert "10.4673" in fit.summary().as_text()
    np.testing.assert_allclose(fit.t_test("Days = 0").tvalue.item(), 6.7715, atol=1e-4)


def test_remove_data_of_a_singular_fit(tmp_path):
    fit = smm.lmm("Yield ~ 1 + (1 | Batch)", smm.datasets.load("dyestuff2")).fit()
    text = fit.summary().as_text()
    assert "Singular" in text
    fit.save(tmp_path / "fit.pickle", remove_data=True)
    assert load_pickle(tmp_path / "fit.pickle").summary().as_text() == text


def test_remove_data_refuses_what_needs_rows(sleepstudy):
    fit = smm.lmm("Reaction ~ Days + (Days | Subject)", sleepstudy).fit()
    whole = smm.lmm("Reaction ~ Days + (1 | Subject)", sleepstudy).fit()
    fit.remove_data()
    calls = [
        lambda: fit.fittedvalues,
        lambda: fit.resid,
        lambda: fit.resid_pearson,
        lambda: fit.predict(),
        lambda: fit.get_prediction(),
        lambda: fit.refit(sleepstudy.Reaction),
        lambda: fit.simulate(),
        lambda: fit.random_effects_sd,
        lambda: fit.model.fit(),
        lambda: fit.model.predict(fit.params),
        lambda: fit.model.deviance_at([np.eye(2)]),
        lambda: fit.model.loglike(fit.params, [np.eye(2)]),
    ]
    for call in calls:
        with pytest.raises(DataError, match="remove_data"):
            call()
    for full, small in ((fit, whole), (whole, fit)):
        with pytest.raises(ComparisonError, match="remove_data"):
            full.compare_lr_test(small)


def test_remove_data_keeps_conditional_sds_once_asked_for(sleepstudy):
    fit = smm.lmm("Reaction ~ Days + (Days | Subject)", sleepstudy).fit()
    sd = fit.random_effects_sd["Subject"]
    fit.remove_data()
    pd.testing.assert_frame_equal(fit.random_effects_sd["Subject"], sd)


def test_remove_data_leaves_the_model_and_its_other_fits_alone(sleepstudy):
    model = smm.lmm("Reaction ~ Days + (Days | Subject)", sleepstudy)
    first, second = model.fit(), model.fit(reml=False)
    resid, deviance = second.resid, first.deviance
    first.remove_data()
    pd.testing.assert_series_equal(second.resid, resid)
    assert model.fit().deviance == deviance
    assert model.data.frame is not None and model.exog.shape == (180, 2)


@pytest.mark.parametrize("formula", ["x * f + (x | g)", "x + (1 | g) + offset(o)"])
def test_size_of_the_pickle_after_remove_data_does_not_grow_with_rows(formula):
    sizes = []
    for n in (400, 40_000):
        rng = np.random.default_rng(1)
        data = pd.DataFrame(
            {
                "y": rng.normal(size=n),
                "x": rng.normal(size=n),
                "o": rng.normal(size=n),
                "f": rng.permutation(n) % 3,
                "g": np.arange(n) % 20,
            }
        )
        fit = smm.lmm(f"y ~ {formula}", data, weights=np.arange(1, n + 1)).fit()
        fit.resid, fit.random_effects_cov, fit.summary()
        fit.remove_data()
        sizes.append(len(pickle.dumps(fit)))
    assert abs(sizes[1] - sizes[0]) < 200, sizes
    assert sizes[1] < 25_000


# ---- one model, many fits -----------------------------------------------------------


def test_two_fits_of_one_model_do_not_influence_each_other(sleepstudy):
    model = smm.lmm("Reaction ~ Days + (Days | Subject)", sleepstudy)
    first = model.fit(reml=False)
    before = (first.llf, first.aic, first.theta.to_list(), first.bse.to_list())
    text = first.summary().as_text()
    second = model.fit(reml=True)
    assert (first.llf, first.aic, first.theta.to_list(), first.bse.to_list()) == before
    assert first.summary().as_text() == text
    assert not first.reml and second.reml and second.llf != first.llf
    assert model.fit(reml=False).llf == first.llf


def test_results_of_refits_do_not_touch_the_original(res, sleepstudy):
    text = res.summary().as_text()
    other = res.refit(sleepstudy.Reaction * 2.0)
    np.testing.assert_allclose(other.params, 2.0 * res.params, rtol=1e-8)
    np.testing.assert_allclose(other.model.endog, 2.0 * res.model.endog)
    assert res.summary().as_text() == text
    np.testing.assert_array_equal(res.model.endog, sleepstudy.Reaction)


# ---- statsmodels' diagnostics ---------------------------------------------------


def test_diagnostics_of_statsmodels(res, sleepstudy):
    exog, resid = res.model.exog, res.resid
    for test in (diagnostic.het_breuschpagan, diagnostic.het_white):
        lm, pvalue, *_ = test(resid, exog)
        assert lm > 0 and 0 < pvalue < 1
    assert 0 < stattools.durbin_watson(resid) < 4
    assert diagnostic.acorr_ljungbox(resid, lags=[5]).shape == (1, 2)
    assert len(stattools.jarque_bera(resid)) == 4
    assert len(diagnostic.normal_ad(resid)) == 2
    vif = outliers_influence.variance_inflation_factor(exog, 1)
    np.testing.assert_allclose(vif, 1.0)


# ---- the tracker ----------------------------------------------------------------


def test_4801_params_and_summary_agree(res):
    """2231, 3532, 4801: no scaled variances among the parameters."""
    assert list(res.params.index) == ["Intercept", "Days"]
    table = res.varcorr().set_index(["effect", "effect2"])
    np.testing.assert_allclose(
        table.sdcor.iloc[0] ** 2, res.cov_re["Subject"].iloc[0, 0]
    )
    np.testing.assert_allclose(table.sdcor.iloc[-1] ** 2, res.scale)
    np.testing.assert_allclose(res.sigma**2, res.scale)


def test_2098_random_effects_are_tidy(res):
    """2098, 2961, 8235: one frame per grouping factor, with standard errors."""
    modes, sd = res.random_effects["Subject"], res.random_effects_sd["Subject"]
    assert modes.shape == sd.shape == (18, 2)
    assert list(modes.columns) == list(sd.columns) == ["Intercept", "Days"]
    assert modes.index.equals(sd.index) and modes.index.name == "Subject"
    cov = res.random_effects_cov["Subject"]
    np.testing.assert_allclose(np.sqrt(cov[:, 1, 1]), sd.Days)
    np.testing.assert_allclose(
        res.coef()["Subject"].Days, res.params["Days"] + modes.Days, rtol=1e-13
    )
    # lme4: ranef(fm)$Subject["308", ]
    np.testing.assert_allclose(modes.iloc[0], [2.2585637, 9.1989722], rtol=1e-5)


def test_3500_variance_table_says_variance_and_sd(res):
    table = res.varcorr()
    assert list(table.columns) == ["group", "effect", "effect2", "vcov", "sdcor"]
    assert table.group.iloc[-1] == "Residual"
    text = res.summary().as_text()
    assert "Variance" in text and "Std.Dev." in text and "Corr." in text
    assert list(res.vcomp.index) == ["Subject Intercept", "Subject Days", "Residual"]


def test_3653_crossed_factors_need_no_workaround():
    """8123, 3653, 3500, 6875, 2452: groups=[a, b] and vc_formula puzzles."""
    data = smm.datasets.load("penicillin")
    fit = smm.lmm("diameter ~ 1 + (1 | plate) + (1 | sample)", data).fit()
    assert fit.ngroups == {"plate": 24, "sample": 6}
    np.testing.assert_allclose(  # lme4
        fit.varcorr().sdcor, [0.8467, 1.9316, 0.5499], atol=1e-4
    )


def test_1946_uncorrelated_slopes(sleepstudy):
    fit = _sleep(sleepstudy, "Days + (Days || Subject)")
    np.testing.assert_allclose(  # lme4
        fit.varcorr().sdcor, [25.0513, 5.9882, 25.5653], atol=1e-3
    )
    assert fit.cov_re["Subject"].iloc[0, 1] == 0.0


def test_7051_no_singular_matrix_errors(sleepstudy):
    """7051, 9138, 6154, 4782, 6140: constant within groups, aliased columns."""
    data = sleepstudy.assign(one=1.0, between=sleepstudy.Subject.cat.codes % 2)
    with pytest.warns(smm.errors.RankDeficiencyWarning, match="one"):
        fit = _sleep(data, "Days + one + between + (Days | Subject)")
    assert fit.converged and np.isfinite(fit.bse).all()


def test_6157_no_flood_of_warnings(sleepstudy, recwarn):
    """5546, 3604, 3654, 7125, 6157: scaling, and one verdict."""
    data = sleepstudy.assign(Days=sleepstudy.Days * 1e6)
    fit = _sleep(data, "Days + (Days | Subject)", reml=False)
    assert fit.converged and not fit.singular and len(recwarn) == 0
    np.testing.assert_allclose(fit.deviance, 1751.93934, rtol=1e-8)  # lme4


def test_3742_df_model_and_6153_aic_of_reml(res):
    assert res.df_model == 1 and np.isfinite([res.aic, res.bic, res.aicc]).all()


def test_7978_missing_rows_of_arrays(sleepstudy):
    """7978, 3248: one mask for endog, exog, groups and weights."""
    y = sleepstudy.Reaction.to_numpy(copy=True)
    x = np.column_stack([np.ones(180), sleepstudy.Days])
    groups = sleepstudy.Subject.astype(object).to_numpy(copy=True)
    w = np.linspace(1.0, 2.0, 180)
    y[3], x[50, 1], groups[100], w[170] = np.nan, np.nan, None, np.nan
    model = smm.LMM(y, x, [(groups, x)], weights=w, missing="drop")
    keep = np.setdiff1d(np.arange(180), [3, 50, 100, 170])
    clean = smm.LMM(y[keep], x[keep], [(groups[keep], x[keep])], weights=w[keep])
    fit, other = model.fit(), clean.fit()
    assert fit.nobs == 176
    np.testing.assert_allclose(fit.params, other.params, rtol=1e-12)
    np.testing.assert_allclose(fit.deviance, other.deviance, rtol=1e-12)
    assert list(fit.resid.index) == list(keep)


def test_9342_weights_are_lme4s(sleepstudy):
    """9342, 4854. lme4: lmer(..., weights = 1 + Days), REML."""
    from scipy import stats

    w = 1.0 + sleepstudy.Days.to_numpy(float)
    fit = smm.lmm("Reaction ~ Days + (1 | Subject)", sleepstudy, weights=w).fit(
        reml=False
    )
    x = np.column_stack([np.ones(180), sleepstudy.Days])
    z = pd.get_dummies(sleepstudy.Subject).to_numpy(float)
    v = fit.cov_re["Subject"].iloc[0, 0] * z @ z.T + np.diag(fit.scale / w)
    dense = stats.multivariate_normal(x @ fit.params.to_numpy(), v)
    np.testing.assert_allclose(fit.llf, dense.logpdf(sleepstudy.Reaction), rtol=1e-11)
    gls = sm.GLS(sleepstudy.Reaction, x, sigma=v).fit()
    np.testing.assert_allclose(fit.params, gls.params, rtol=1e-9)
    cov = np.linalg.inv(x.T @ np.linalg.solve(v, x))
    np.testing.assert_allclose(fit.cov_params(), cov, rtol=1e-9)
    np.testing.assert_allclose(
        fit.resid_pearson, np.sqrt(w) * fit.resid / fit.sigma, rtol=1e-12
    )


def test_offset_is_a_known_part_of_the_mean(sleepstudy):
    data = sleepstudy.assign(o=np.sin(np.arange(180.0)) * 50.0)
    shifted = data.assign(Reaction=data.Reaction - data.o)
    plain = _sleep(shifted, "Days + (Days | Subject)")
    by_name = smm.lmm("Reaction ~ Days + (Days | Subject)", data, offset="o").fit()
    by_array = smm.lmm(
        "Reaction ~ Days + (Days | Subject)", data, offset=data.o.to_numpy()
    ).fit()
    in_formula = _sleep(data, "Days + offset(o) + (Days | Subject)")
    for fit in (by_name, by_array, in_formula):
        np.testing.assert_allclose(fit.params, plain.params, rtol=1e-8)
        np.testing.assert_allclose(fit.deviance, plain.deviance, rtol=1e-11)
        np.testing.assert_allclose(fit.resid, plain.resid, atol=1e-6)
        np.testing.assert_allclose(fit.fitted_marginal, plain.predict() + data.o)
    for fit in (by_name, in_formula):
        np.testing.assert_allclose(fit.predict(data), fit.fitted_marginal)
    with pytest.raises(DataError, match="give offset="):
        by_array.predict(data)
    np.testing.assert_allclose(
        by_array.predict(data, offset="o"), by_array.fitted_marginal
    )


def test_7065_predict_with_and_without_blups(res, sleepstudy):
    """7065, 8357, 9560."""
    new = pd.DataFrame({"Days": [1.0, 1.0], "Subject": ["308", "new"]})
    got = res.predict(new, random="conditional", new_levels="population")
    b = res.random_effects["Subject"].loc["308"]
    np.testing.assert_allclose(
        got, [res.params.sum() + b.sum(), res.params.sum()], rtol=1e-12
    )


def test_correlations_in_the_summary_stand_with_their_own_group():
    rng = np.random.default_rng(0)
    n = 600
    data = pd.DataFrame({"g": rng.integers(0, 20, n), "h": rng.integers(0, 15, n)})
    data["x"] = rng.standard_normal(n)
    effects = rng.standard_normal((2, 2, 20))
    data["y"] = rng.standard_normal(n)
    for (intercept, slope), name in zip(effects, "gh", strict=True):
        data["y"] += intercept[data[name]] + slope[data[name]] * data.x
    res = smm.lmm("y ~ x + (x | g) + (x | h)", data).fit()
    frame = res.varcorr()
    expected = [f"{c:.3f}" for c in frame[~frame.effect2.isna()].sdcor]
    lines = res.summary().tables[2].as_text().splitlines()
    shown = [line.split()[-1] for line in lines if line.split()[:1] == ["x"]]
    assert shown == expected
