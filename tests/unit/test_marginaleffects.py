"""marginaleffects on our results: as they are, and through the adapter.

Every figure is compared with our own predictions and with the delta method written out
here. Where marginaleffects derives by differences its standard errors are right to
about six figures, those of slopes, which are differences themselves, to three.
"""

import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import statsmodels_mixed as smm
from statsmodels_mixed.errors import DataError, NewLevelError
from statsmodels_mixed.integrations.marginaleffects import as_model

try:
    import marginaleffects as me
    import polars as pl

    pl.Series([0.5]).is_in([0, 1])  # marginaleffects 0.6 asks this of every column
    REASON = ""
except ImportError as error:
    REASON = f"{error} (0.6.1 needs Python >= 3.12, 0.6.0 runs on 3.10)"
except Exception as error:
    REASON = f"marginaleffects 0.6 needs polars < 2, not {pl.__version__}: "
    REASON += str(error).partition("\n")[0]

needs = pytest.mark.skipif(bool(REASON), reason=REASON or "there")
SE = {"rtol": 2e-6}  # of derivatives by differences


def sleepstudy():
    return smm.datasets.load("sleepstudy")


@pytest.fixture(scope="module")
def machines():
    data = smm.datasets.load("machines")
    return smm.lmm("score ~ Machine + (Machine | Worker)", data).fit()


@pytest.fixture(scope="module")
def epil():
    data = smm.datasets.load("epil")
    data = data.assign(trt=data.trt.astype("category"))
    return smm.glmm("y ~ lbase * trt + (1 | subject)", data, family="poisson").fit()


def frame(**columns):
    return pl.DataFrame(columns)


def column(table, name):
    return table.data[name].to_numpy()


def check(table, estimate, jacobian, cov, rtol=2e-6):
    """Estimates and delta-method standard errors."""
    np.testing.assert_allclose(column(table, "estimate"), estimate, rtol=1e-7)
    se = np.sqrt(((jacobian @ cov) * jacobian).sum(axis=1))
    np.testing.assert_allclose(column(table, "std_error"), se, rtol=rtol)


# ---- results as they are ------------------------------------------------------------


@needs
def test_predictions_and_slopes_of_bare_lmm_results():
    res = smm.lmm("Reaction ~ Days + (Days | Subject)", sleepstudy()).fit()
    cov = res.cov_params().to_numpy()
    x = np.array([[1.0, 0.0], [1.0, 4.0]])
    table = me.predictions(res, newdata=frame(Days=[0.0, 4.0]))
    check(table, x @ res.params.to_numpy(), x, cov)
    slope = np.array([[0.0, 1.0]])
    check(me.avg_slopes(res), res.params[["Days"]], slope, cov, rtol=2e-3)
    # linear in the parameters, so a long step is exact
    table = me.avg_slopes(as_model(res), eps_vcov=1.0)
    check(table, res.params[["Days"]], slope, cov, rtol=1e-8)


@needs
def test_comparisons_and_hypotheses_of_bare_lmm_results(machines):
    cov = machines.cov_params().to_numpy()
    table = me.avg_comparisons(machines, variables={"Machine": "pairwise"})
    contrasts = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 1.0]])
    check(table, contrasts @ machines.params.to_numpy(), contrasts, cov)
    test = me.hypotheses(machines, hypothesis="b2 - b1 = 0")
    check(test, contrasts[2:] @ machines.params.to_numpy(), contrasts[2:], cov)


@needs
def test_bare_results_are_referred_to_residual_degrees_of_freedom(machines):
    """What the adapter is for: from outside there is one number for all tests."""
    test = me.hypotheses(machines)
    pvalue = 2 * stats.t.sf(np.abs(machines.tvalues), machines.df_resid)
    np.testing.assert_allclose(column(test, "p_value"), pvalue, rtol=1e-4, atol=1e-12)


@needs
def test_predictions_and_comparisons_of_bare_glmm_results(epil):
    beta, cov = epil.params.to_numpy(), epil.cov_params().to_numpy()
    new = frame(lbase=[0.3], trt=["progabide"]).cast({"trt": levels(epil)})
    x = np.array([[1.0, 1.0, 0.3, 0.3]])
    assert list(epil.params.index)[1:3] == ["trt[T.progabide]", "lbase"]
    mean = np.exp(x @ beta)
    check(me.predictions(epil, newdata=new), mean, mean[:, None] * x, cov)
    x0 = np.array([[1.0, 0.0, 0.3, 0.0]])
    table = me.comparisons(epil, variables="trt", newdata=new)
    mean0 = np.exp(x0 @ beta)
    check(table, mean - mean0, mean[:, None] * x - mean0[:, None] * x0, cov)


def levels(res):
    return pl.Enum(list(res.model.data.frame.trt.cat.categories))


@needs
def test_bare_results_lose_offsets_and_the_state_of_transformations():
    """As docs/ecosystem.rst says: wrong figures without a word, so use the adapter."""
    counts = smm.glmm(
        "y ~ lbase + (1 | subject)", with_exposure(), "poisson", exposure="weeks"
    ).fit()
    found = column(me.predictions(counts), "estimate") / counts.predict()
    np.testing.assert_allclose(found, 1.0 / with_exposure().weeks, rtol=1e-9)
    res = smm.lmm("Reaction ~ standardize(Days) + (1 | Subject)", sleepstudy()).fit()
    table = me.predictions(res, newdata=frame(Days=[1.0, 2.0, 7.0]))
    error = column(table, "estimate") - res.predict({"Days": [1.0, 2.0, 7.0]})
    assert np.abs(error).max() > 5.0


# ---- through the adapter ------------------------------------------------------------


@needs
def test_adapter_uses_covariance_and_degrees_of_freedom_of_the_fit():
    data = sleepstudy()
    data = data[(data.Days != 3) | (data.Subject.astype(str) > "330")]
    res = smm.lmm("Reaction ~ Days + (1 | Subject)", data).fit()
    tests = res.fixed_tests("kenward-roger")
    model = as_model(res, df_method="kenward-roger")
    x = np.array([[1.0, 0.0], [1.0, 4.0], [1.0, 9.0]])
    table = model.with_df(me.predictions(model, newdata=frame(Days=[0.0, 4.0, 9.0])))
    check(table, x @ res.params.to_numpy(), x, tests.cov)
    df = tests.df(x)
    np.testing.assert_allclose(column(table, "df"), df, rtol=1e-5)
    assert df.max() > df.min() + 1  # each row its own
    half = stats.t.ppf(0.975, df) * column(table, "std_error")
    ends = column(table, "conf_high") - column(table, "conf_low")
    np.testing.assert_allclose(ends, 2 * half, rtol=1e-6)
    pvalue = 2 * stats.t.sf(column(table, "statistic"), df)
    np.testing.assert_allclose(column(table, "p_value"), pvalue, rtol=1e-3)
    assert "Df" in str(table)


@needs
def test_adapter_before_with_df_uses_the_smallest_degrees_of_freedom(machines):
    model = as_model(machines)
    df = machines.fixed_tests().df(np.eye(3)).min()
    test = me.hypotheses(model)
    pvalue = 2 * stats.t.sf(np.abs(machines.tvalues), df)
    np.testing.assert_allclose(column(test, "p_value"), pvalue, rtol=1e-6)


@needs
def test_contrasts_agree_with_t_test(machines):
    model = as_model(machines)
    table = model.with_df(me.avg_comparisons(model, variables={"Machine": "pairwise"}))
    contrasts = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 1.0]])
    test = machines.t_test(contrasts)
    np.testing.assert_allclose(column(table, "p_value"), test.pvalue, rtol=1e-5)
    low_high = np.column_stack([column(table, "conf_low"), column(table, "conf_high")])
    np.testing.assert_allclose(low_high, test.conf_int(), rtol=1e-5, atol=1e-5)


@needs
def test_hypothesis_on_averages_has_degrees_of_freedom(machines):
    model = as_model(machines)
    table = me.avg_predictions(model, by="Machine", hypothesis="b2 - b1 = 0")
    expected = machines.fixed_tests().df(np.array([[0.0, 1.0, 0.0]]))
    np.testing.assert_allclose(column(model.with_df(table), "df"), expected, rtol=1e-5)


@needs
def test_stateful_transforms_are_those_of_the_fit():
    formula = "Reaction ~ standardize(Days) + cr(Days, df=3) + (1 | Subject)"
    with pytest.warns(smm.errors.RankDeficiencyWarning):
        res = smm.lmm(formula, sleepstudy()).fit()
    new = [1.0, 2.0, 8.5]
    table = me.predictions(as_model(res), newdata=frame(Days=new))
    expected = res.get_prediction({"Days": new}).summary_frame()
    np.testing.assert_allclose(column(table, "estimate"), expected["mean"], rtol=1e-12)
    np.testing.assert_allclose(column(table, "std_error"), expected["mean_se"], **SE)


@needs
@pytest.mark.parametrize("random", ["none", "conditional", "marginal"])
def test_means_of_a_glmm(epil, random):
    table = me.predictions(as_model(epil, random=random))
    expected = epil.predict(random=random)
    np.testing.assert_allclose(column(table, "estimate"), expected, rtol=1e-10)


@needs
def test_population_effect_is_larger_than_that_at_zero(epil):
    """With a log link both differ by exp(sd^2 / 2), standard error included."""
    tables = [
        me.avg_comparisons(as_model(epil, random=r), variables="trt")
        for r in ("none", "marginal")
    ]
    factor = np.exp(0.5 * epil.cov_re["subject"].iloc[0, 0])
    for name in ("estimate", "std_error"):
        zero, population = (column(table, name) for table in tables)
        np.testing.assert_allclose(population, factor * zero, rtol=1e-6)


@needs
def test_linear_scale_of_a_glmm(epil):
    table = me.predictions(as_model(epil, which="linear"))
    expected = epil.predict(which="linear")
    np.testing.assert_allclose(column(table, "estimate"), expected, rtol=1e-12)


def with_exposure():
    data = smm.datasets.load("epil")
    return data.assign(weeks=np.where(data.period == 4, 4.0, 2.0))


@needs
def test_exposure_column_is_evaluated_for_new_rows():
    res = smm.glmm(
        "y ~ lbase + (1 | subject)", with_exposure(), "poisson", exposure="weeks"
    ).fit()
    new = {"lbase": [0.1, 0.1], "weeks": [1.0, 3.0]}
    table = me.predictions(as_model(res), newdata=frame(**new))
    np.testing.assert_allclose(column(table, "estimate"), res.predict(new), rtol=1e-12)
    everywhere = me.predictions(as_model(res))
    np.testing.assert_allclose(
        column(everywhere, "estimate"), res.predict(), rtol=1e-12
    )


@needs
def test_offset_array_is_a_column_of_the_data():
    data = with_exposure()
    offset = np.log(data.weeks.to_numpy())
    res = smm.glmm("y ~ lbase + (1 | subject)", data, "poisson", offset=offset).fit()
    model = as_model(res)
    np.testing.assert_allclose(
        column(me.predictions(model), "estimate"), res.predict(), rtol=1e-12
    )
    new = frame(lbase=[0.1], known_offset=[1.0])
    expected = res.predict({"lbase": [0.1]}, offset=[1.0])
    table = me.predictions(model, newdata=new)
    np.testing.assert_allclose(column(table, "estimate"), expected, rtol=1e-12)
    with pytest.raises(DataError, match="known_offset"):
        me.predictions(model, newdata=frame(lbase=[0.1]))


@needs
def test_rows_of_the_fit_after_subset_and_missing_values():
    data = sleepstudy()
    data.loc[5, "Days"] = np.nan
    res = smm.lmm(
        "Reaction ~ Days + (1 | Subject)", data, subset=data.Subject != "308"
    ).fit()
    table = me.predictions(as_model(res))
    np.testing.assert_allclose(column(table, "estimate"), res.predict(), rtol=1e-12)


@needs
def test_text_and_numbers_in_c_are_categories():
    data = sleepstudy().assign(late=lambda d: np.where(d.Days > 4, "late", "early"))
    data = data.assign(step=(data.Days % 3).astype(int), group=data.Subject.astype(str))
    res = smm.lmm("Reaction ~ late + C(step) + (1 | group)", data).fit()
    model = as_model(res)  # `group` is a name marginaleffects wants for itself
    table = me.avg_comparisons(model)
    found = dict(zip(table.data["contrast"], column(table, "estimate"), strict=True))
    expected = {
        "late - early": res.params["late[T.late]"],
        "1 - 0": res.params["C(step)[T.1]"],
        "2 - 0": res.params["C(step)[T.2]"],
    }
    assert found == pytest.approx(expected, rel=1e-9)


@needs
def test_cluster_robust_covariance_is_used():
    model = smm.lmm("Reaction ~ Days + (1 | Subject)", sleepstudy())
    res = model.fit(cov_type="cluster", cov_kwds={"groups": "Subject"})
    plain = np.asarray(model.fit().cov_params())
    assert not np.allclose(res.fixed_tests().cov, plain, rtol=1e-3)
    x = np.array([[0.0, 1.0]])
    table = me.avg_slopes(as_model(res), eps_vcov=1.0)
    check(table, res.params[["Days"]], x, res.fixed_tests().cov)


@needs
def test_plots_draw_our_predictions(machines):
    points = me.plot_predictions(as_model(machines), by="Machine", draw=False)
    data = points if isinstance(points, pl.DataFrame) else points.data
    expected = machines.predict({"Machine": ["A", "B", "C"]})
    np.testing.assert_allclose(data["estimate"].to_numpy(), expected, rtol=1e-12)


@needs
def test_joint_hypotheses_of_a_glmm_do_not_need_finite_degrees_of_freedom():
    data = smm.datasets.load("epil")
    res = smm.glmm("y ~ lbase + (1 | subject)", data, family="poisson").fit()
    table = me.hypotheses(as_model(res), joint=True)
    expected = res.f_test(np.eye(2))
    assert table["statistic"].item() == pytest.approx(
        float(expected.statistic), rel=1e-9
    )


# ---- refusals ------------------------------------------------------------------------


@needs
def test_what_with_df_cannot_do_is_refused(machines):
    model = as_model(machines)
    for options in ({"vcov": False}, {"transform": "exp"}):
        with pytest.raises(DataError, match="no standard errors"):
            model.with_df(me.predictions(model, **options))
    with pytest.raises(DataError, match="equivalence"):
        model.with_df(me.avg_predictions(model, equivalence=[0.0, 1.0]))


@needs
def test_robust_covariance_by_name_is_refused(machines):
    with pytest.raises(DataError, match="cov_type='cluster'"):
        me.predictions(as_model(machines), vcov="HC3")


@needs
def test_new_levels_of_groups():
    res = smm.lmm("Reaction ~ Days + (1 | Subject)", sleepstudy()).fit()
    new = frame(Days=[1.0], Subject=["999"])
    model = as_model(res, random="conditional", new_levels="population")
    with pytest.raises(NewLevelError, match="999"):
        as_model(res, random="conditional").get_exog(new)
    estimate = model.get_predict(res.params, model.get_exog(new))["estimate"].item()
    assert estimate == pytest.approx(res.predict({"Days": [1.0]}).item(), rel=1e-12)


def test_options_are_checked(machines):
    for name in ("random", "which", "new_levels"):
        with pytest.raises(DataError, match=f"{name}='x'"):
            as_model(machines, **{name: "x"})
    with pytest.raises(DataError, match="for GLMMs"):
        as_model(machines, random="marginal")


def test_models_without_formula_or_data_are_refused():
    data = sleepstudy()
    arrays = smm.LMM(data.Reaction, np.ones(180), random=[data.Subject]).fit()
    gone = smm.lmm("Reaction ~ Days + (1 | Subject)", data).fit()
    gone.remove_data()
    for res in (arrays, gone):
        with pytest.raises(DataError, match="before remove_data"):
            as_model(res)


@needs
def test_ambiguous_rows_are_refused():
    data = pd.concat([sleepstudy(), sleepstudy()])
    res = smm.lmm(
        "Reaction ~ Days + (1 | Subject)", data, subset=np.arange(360) < 200
    ).fit()
    with pytest.raises(DataError, match="reset_index"):
        as_model(res)


def test_the_package_does_not_need_marginaleffects():
    code = (
        "import sys; sys.modules.update(dict.fromkeys(['marginaleffects', 'polars']));"
        "import statsmodels_mixed.integrations.marginaleffects"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=dict(os.environ), check=False
    )
    assert done.returncode == 0
