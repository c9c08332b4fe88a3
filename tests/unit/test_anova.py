"""Hypotheses about terms, deletions of terms, comparisons of models."""

import pickle
import warnings
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from statsmodels.stats.anova import anova_lm

import statsmodels_mixed as smm
from statsmodels_mixed.errors import ComparisonError, DataError
from statsmodels_mixed.inference.anova.contrasts import (
    fixed_terms,
    independent,
    solutions,
    type3,
)
from statsmodels_mixed.inference.anova.drop import _ratio
from statsmodels_mixed.inference.anova.reduced import random_deletions
from statsmodels_mixed.inference.likelihood.chibar import chi_bar_square


def factorial(empty=False, seed=3):
    """Two factors, a covariate and groups, with unequal cell counts."""
    rng = np.random.default_rng(seed)
    n = 90
    data = pd.DataFrame(
        {
            "a": rng.choice(list("pqr"), n, p=[0.5, 0.3, 0.2]),
            "b": rng.choice(list("uvw"), n),
            "x": rng.normal(3.0, 2.0, n),
            "g": np.arange(n) % 9,
        }
    )
    if empty:
        data = data[~((data.a == "r") & (data.b == "w"))].reset_index(drop=True)
    effect = rng.normal(0.0, 1.0, 9)[data.g] + 0.5 * data.x * (data.a == "q")
    return data.assign(y=effect + (data.b == "v") + rng.normal(0.0, 1.0, len(data)))


CODINGS = "C({})", "C({}, Sum)", "C({}, Helmert)", "C({}, Poly)", "C({}, Treatment(2))"


def coded(formula, coding):
    return formula.format(a=coding.format("a"), b=coding.format("b"))


def quiet_fit(formula, data, **kwargs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", smm.errors.RankDeficiencyWarning)
        return smm.lmm(formula, data).fit(**kwargs)


# ---- hypotheses ------------------------------------------------------------------


@pytest.mark.parametrize("kind", [1, 2, 3])
@pytest.mark.parametrize("empty", [False, True], ids=["full", "empty cell"])
@pytest.mark.parametrize(
    "formula",
    [
        "y ~ {a} * {b} + (1 | g)",
        "y ~ {a} * {b} * x + (1 | g)",
        "y ~ {a} + {a}:{b} + {a}:x + (1 | g)",
        "y ~ 0 + {a} + {b} + (1 | g)",
    ],
)
def test_tests_do_not_depend_on_the_coding(formula, empty, kind):
    data = factorial(empty)
    tables = [
        quiet_fit(coded(formula, coding), data).anova(kind).to_numpy()
        for coding in CODINGS
    ]
    for other in tables[1:]:
        assert other == pytest.approx(tables[0], rel=1e-6, nan_ok=True)


def test_empty_cell_is_tested_as_by_lmertest():
    data = smm.datasets.load("oats").rename(columns={"yield": "y"})
    # the rows of Oats without Victory at nitro 0.6, and then the 3rd, 20th and 41st
    data = data[~((data.Variety == "Victory") & (data.nitro == 0.6))]
    data = data.drop(index=data.index[[2, 19, 40]])
    res = quiet_fit("y ~ C(Variety, Sum) * C(nitro, Sum) + (1 | Block)", data)
    # lmerTest 3.1-3, treatment contrasts
    stored = {
        1: ([47.0158909, 47.0200330, 47.0234756], [10.614743752, 19.824557363]),
        2: ([47.0239766, 47.0200330, 47.0235222], [3.726397948, 19.824557363]),
        3: ([47.0290859, 47.0285839, 47.0235222], [3.768918908, 19.633665130]),
    }
    for kind, (den_df, statistic) in stored.items():
        table = res.anova(kind)
        assert table["num_df"].tolist() == [2, 3, 5]
        assert table["den_df"].to_numpy() == pytest.approx(den_df, rel=1e-6)
        expected = [*statistic, 0.113920067]
        assert table["F"].to_numpy() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("kind", [1, 2, 3])
def test_without_random_effects_it_is_the_anova_of_least_squares(kind):
    data = factorial()
    formula = "y ~ C(a, Sum) * C(b, Sum)"
    ours = smm.lmm(formula, data).fit().anova(kind, "residual")
    theirs = anova_lm(smf.ols(formula, data).fit(), typ=kind)
    theirs = theirs.drop(index=["Intercept", "Residual"], errors="ignore")
    for name, column in (("sum_sq", "sum_sq"), ("num_df", "df"), ("F", "F")):
        assert ours[name].to_numpy() == pytest.approx(theirs[column].to_numpy())


def test_type_3_compares_means_over_the_cells():
    data = factorial()
    cells = smm.lmm("y ~ 0 + a:b + (1 | g)", data).fit()
    columns = [f"a[{a}]:b[{b}]" for a in "pqr" for b in "uvw"]
    means = np.kron(np.eye(3), np.ones(3) / 3.0)
    rows = pd.DataFrame(means[1:] - means[0], columns=columns)[cells.model.exog_names]
    expected = cells.f_test(rows.to_numpy())
    found = smm.lmm("y ~ a * b + (1 | g)", data).fit().anova().loc["a"]
    assert found["F"] == pytest.approx(float(expected.fvalue), rel=1e-8)
    assert found["num_df"] == 2


def test_nested_factor_contains_its_own():
    # lmerTest takes the coding "a" has in "a:b" for another factor
    data = factorial()
    nested = smm.lmm("y ~ a + a:b + (1 | g)", data).fit()
    crossed = smm.lmm("y ~ a * b + (1 | g)", data).fit()
    third = nested.anova(3).loc["a", "F"]
    assert third == pytest.approx(crossed.anova(3).loc["a", "F"], rel=1e-8)
    first, second = (nested.anova(kind).loc["a", "F"] for kind in (1, 2))
    assert first == pytest.approx(second, rel=1e-8)


def test_terms_come_in_the_order_of_the_formula():
    data = factorial()
    table = smm.lmm("y ~ a:x + x + b + a + (1 | g)", data).fit().anova(1)
    assert list(table.index) == ["x", "b", "a", "a:x"]  # patsy puts factors first
    alone = smm.lmm("y ~ x", data).fit().anova(1, "residual")
    plain = smm.lmm("y ~ x + b", data).fit().anova(1, "residual")
    assert plain.loc["x", "sum_sq"] == pytest.approx(alone.loc["x", "sum_sq"])


def test_without_intercept_the_first_factor_tests_all_its_means():
    data = factorial()
    alone = smm.lmm("y ~ 0 + a + (1 | g)", data).fit().anova()
    assert alone["num_df"].tolist() == [3]
    # with a second factor only differences are functions of "a" alone
    both = smm.lmm("y ~ 0 + a + b + (1 | g)", data).fit()
    assert both.anova(3)["num_df"].tolist() == [2, 2]
    assert both.anova(1)["num_df"].tolist() == [3, 2]


def test_aliased_term_has_no_test():
    data = factorial().assign(twice=lambda d: 2.0 * d.x)
    res = quiet_fit("y ~ a + x + twice + (1 | g)", data)
    table = res.anova(1)
    assert table.loc["twice", "num_df"] == 0
    assert table.loc["twice"].drop("num_df").isna().all()
    deleted = res.drop1("lrt")
    assert deleted.loc["twice"].isna().all()
    assert np.isfinite(deleted.loc["a", "lrt"])


def test_incomplete_contrasts_are_a_term_of_their_own_columns():
    data = factorial()
    matrix = np.array([[-1.0], [0.0], [1.0]])
    namespace = {"linear": matrix}
    model = smm.LMM.from_formula(
        "y ~ C(a, linear) + b + (1 | g)", data, eval_env=namespace
    )
    table = model.fit().anova()
    assert table["num_df"].tolist() == [1, 2]


def test_units_of_a_covariate_do_not_matter():
    data = factorial()
    far = data.assign(x=1e6 + 1e-3 * data.x)
    tables = [
        smm.lmm("y ~ a * b + x + (1 | g)", d).fit().anova(2).to_numpy()
        for d in (data, far)
    ]
    assert tables[1] == pytest.approx(tables[0], rel=1e-5)


def test_arrays_have_a_term_per_column():
    data = factorial()
    exog = np.column_stack([data.x, np.ones(len(data)), data.a == "q"])
    res = smm.LMM(data.y, exog, random=[data.g]).fit()
    data["q"] = 1.0 * (data.a == "q")
    formula = smm.lmm("y ~ x + q + (1 | g)", data).fit()
    for kind in (1, 2, 3):
        found, expected = res.anova(kind), formula.anova(kind)
        assert list(found.index) == ["x1", "x2"]
        if kind == 1:  # columns come as they are, and the constant is the second
            assert found.loc["x1", "F"] != pytest.approx(expected.loc["x", "F"])
            found, expected = found.loc[["x2"]], expected.loc[["q"]]
        assert found.to_numpy() == pytest.approx(expected.to_numpy(), rel=1e-5)
    assert res.drop1().to_numpy() == pytest.approx(res.anova(3).to_numpy())


def test_generalized_models_have_chi_square():
    data = smm.datasets.load("cbpp")
    formula = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
    res = smm.glmm(formula, data, family="binomial").fit()
    row = res.anova().loc["period"]
    test = res.wald_test(np.eye(4)[1:], scalar=True)
    assert row["df"] == 3
    assert row["chi2"] == pytest.approx(float(test.statistic))
    assert row["pvalue"] == pytest.approx(float(test.pvalue))


def test_kenward_roger_scales_f_but_not_the_sum_of_squares():
    data = factorial()
    res = smm.lmm("y ~ a * b + (1 | g)", data).fit()
    row, tests = res.anova(3, "kr").loc["a:b"], res.fixed_tests("kr")
    fixed = fixed_terms(res.fit_record)
    (i,) = fixed.droppable()
    matrix = type3(fixed, i)
    beta = matrix @ res.params.to_numpy()
    wald = beta @ np.linalg.solve(matrix @ tests.cov @ matrix.T, beta)
    assert row["sum_sq"] == pytest.approx(res.scale * wald)
    assert row["F"] < wald / 4


def test_rows_that_single_parameters_are_give_columns_back():
    matrix = np.array([[0.0, 1.0, 1.0, 0.0], [0.0, 1.0, -1.0, 0.0]])
    basis, free = solutions(matrix)
    assert basis.tolist() == [[1, 0], [0, 0], [0, 0], [0, 1]]
    assert free.tolist() == [0, 3]
    mixed, _ = solutions(np.array([[1.0, 2.0, 0.0]]))
    assert np.abs(np.array([1.0, 2.0, 0.0]) @ mixed).max() < 1e-15
    assert independent(np.zeros((2, 2))) == []


# ---- deletions of fixed effects ---------------------------------------------------


def test_drop1_keeps_what_is_marginal():
    res = smm.lmm("y ~ a * x + b + (1 | g)", factorial()).fit()
    assert list(res.drop1().index) == ["b", "a:x"]
    assert list(res.drop1("lrt").index) == ["<none>", "b", "a:x"]


def test_drop1_by_likelihood_is_the_comparison_with_the_smaller_model():
    data = factorial().assign(w=np.resize([1.0, 2.0, 0.5], 90), off=0.3)
    data["off"] *= data.x
    given = {"weights": "w", "offset": "off"}
    full = smm.lmm("y ~ 0 + a + b + (x | g)", data, **given)
    table = full.fit().drop1("lrt")
    small = smm.lmm("y ~ 0 + b + (x | g)", data, **given).fit(reml=False)
    test = full.fit(reml=False).compare_lr_test(small)
    assert table.loc["a", "lrt"] == pytest.approx(test.statistic, abs=1e-6)
    assert table.loc["a", "df"] == test.df_diff == 2
    assert table.loc["a", "pvalue"] == pytest.approx(test.pvalue, rel=1e-5)


def test_drop1_of_a_generalized_model():
    data = smm.datasets.load("cbpp")
    left = "cbind(incidence, size - incidence) ~"
    full = smm.glmm(f"{left} period + (1 | herd)", data, "binomial").fit(nagq=3)
    small = smm.glmm(f"{left} 1 + (1 | herd)", data, "binomial").fit(nagq=3)
    test = full.compare_lr_test(small)
    row = full.drop1("lrt").loc["period"]
    assert row["lrt"] == pytest.approx(test.statistic, abs=1e-6)
    assert row["npar"] == 2


def test_drop1_without_terms_is_refused():
    res = smm.lmm("y ~ 1 + (1 | g)", factorial()).fit()
    with pytest.raises(DataError, match="no fixed-effects term"):
        res.drop1()
    assert res.anova().empty
    assert smm.lmm("y ~ 0 + (1 | g)", factorial()).fit().anova(1).empty
    assert list(res.anova().columns[:2]) == ["sum_sq", "mean_sq"]


# ---- deletions of random effects ----------------------------------------------------


def test_without_random_effects_the_likelihood_is_that_of_least_squares():
    data = factorial()
    res = smm.lmm("y ~ a * b + (1 | g)", data).fit(reml=False)
    table = res.ranova()
    ols = smf.ols("y ~ a * b", data).fit()
    assert table.loc["(1 | g)", "loglik"] == pytest.approx(ols.llf, abs=1e-9)
    assert table.loc["(1 | g)", "npar"] == 10
    assert table.loc["(1 | g)", "pvalue"] == table.loc["(1 | g)", "pvalue_naive"] / 2


def test_ranova_of_arrays_is_that_of_the_formula():
    data = smm.datasets.load("sleepstudy")
    exog = np.column_stack([np.ones(180), data.Days])
    weights, offset = np.resize([1.0, 2.0], 180), np.linspace(0, 9, 180)
    arrays = smm.LMM(
        data.Reaction,
        exog,
        random=[(data.Subject, exog)],
        weights=weights,
        offset=offset,
    ).fit()
    formula = smm.lmm(
        "Reaction ~ Days + (Days | Subject)", data, weights=weights, offset=offset
    ).fit()
    for reduce_terms in (True, False):
        found, expected = (r.ranova(reduce_terms) for r in (arrays, formula))
        columns = ["npar", "loglik", "lrt", "df", "pvalue"]
        ours, theirs = (t[columns].astype(float).to_numpy() for t in (found, expected))
        assert ours == pytest.approx(theirs, rel=1e-7, nan_ok=True)
        assert found["reference"].tolist() == expected["reference"].tolist()
    assert found.index[1] == "(1 + x1 | Subject)"


def labels_and_effects(random, data=None):
    """What is left of a model's random effects by each deletion."""
    data = factorial() if data is None else data
    design = smm.lmm(f"y ~ 1 + {random}", data).design
    return {
        deletion.label: [term.effects for term in deletion.design.terms]
        for deletion in random_deletions(design)
    }


def test_correlated_effects_are_left_out_by_margins():
    assert labels_and_effects("(a * x | g)") == {
        "a:x in (1 + a + x + a:x | g)": [("Intercept", "a[T.q]", "a[T.r]", "x")]
    }
    assert labels_and_effects("(0 + a | g)") == {"a in (0 + a | g)": [("Intercept",)]}
    assert labels_and_effects("(0 + x | g)") == {"(0 + x | g)": []}


def test_indicators_beside_an_intercept_are_not_replaced_by_it():
    found = labels_and_effects("(1 | g) + (0 + a | g)")
    assert found["a in (0 + a | g)"] == [("Intercept",)]


def test_independent_effects_are_terms_of_their_own():
    assert labels_and_effects("(a || g)") == {
        "(1 | g)": [("a[T.q]", "a[T.r]")],
        "(0 + a | g)": [("Intercept",)],
    }
    res = smm.lmm("y ~ x + (a || g)", factorial()).fit()
    table = res.ranova()
    assert table.loc["(0 + a | g)", "df"] == 2
    assert table.loc["(0 + a | g)", "reference"] == "chi2(2), conservative"
    row = table.loc["(0 + a | g)"]
    assert row["pvalue"] == row["pvalue_naive"]


def test_effects_of_one_variance_stay_together():
    assert labels_and_effects("homdiag(0 + a + x | g)") == {"(0 + a + x | g)": []}
    res = smm.lmm("y ~ 1 + homdiag(0 + a | g)", factorial()).fit()
    assert res.ranova()["df"].tolist()[1:] == [1]


def test_dropping_a_margin_spans_the_same_effects():
    data = factorial()
    found = smm.lmm("y ~ 1 + (0 + a + x | g)", data).fit().ranova()
    refit = smm.lmm("y ~ 1 + (0 + x | g)", data).fit()
    label = "a in (0 + a + x | g)"
    assert found.loc[label, "loglik"] == pytest.approx(refit.llf, abs=1e-7)


def test_ranova_of_a_generalized_model():
    data = smm.datasets.load("cbpp").assign(row=np.arange(56))
    formula = "cbind(incidence, size - incidence) ~ period + {}"
    model = smm.glmm(formula.format("(1 | herd) + (1 | row)"), data, "binomial")
    small = smm.glmm(formula.format("(1 | herd)"), data, "binomial").fit()
    res = model.fit()
    row = res.ranova().loc["(1 | row)"]
    test = res.compare_lr_test(small)
    assert row["lrt"] == pytest.approx(test.statistic, abs=1e-6)
    assert row["pvalue_naive"] == pytest.approx(test.pvalue, rel=1e-5)


def test_only_term_of_a_monte_carlo_fit():
    data = smm.datasets.load("cbpp")
    formula = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
    model = smm.glmm(formula, data, "binomial")
    drawn = model.fit(method="mcml", rng=1, n_draws=1000).ranova()
    exact = model.fit(nagq=15).ranova()
    found, expected = (t.loc["(1 | herd)", "lrt"] for t in (drawn, exact))
    assert found == pytest.approx(expected, abs=0.05)


def test_nodes_per_level_do_not_fit_a_smaller_model():
    data = smm.datasets.load("cbpp").assign(row=np.arange(56))
    formula = "cbind(incidence, size - incidence) ~ 1 + (1 | herd/row)"
    res = smm.glmm(formula, data, "binomial").fit(nagq=(3, 2))
    with pytest.raises(ComparisonError, match="one number for all"):
        res.ranova()


def test_ranova_refuses_what_has_no_variance_or_no_likelihood():
    with pytest.raises(DataError, match="no random effects"):
        smm.lmm("y ~ x", factorial()).fit().ranova()
    data = smm.datasets.load("cbpp")
    formula = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
    res = smm.glmm(formula, data, "binomial").fit(method="pql")
    with pytest.raises(ComparisonError, match="no likelihood"):
        res.ranova()
    with pytest.raises(ComparisonError, match="no likelihood"):
        res.drop1("lrt")
    assert res.anova().loc["period", "df"] == 3


def test_smaller_model_that_fits_better_is_a_contradiction():
    fits = [
        SimpleNamespace(deviance=d, beta=np.zeros(2), n_covariance=1)
        for d in (10.0, 9.0)
    ]
    with pytest.raises(ComparisonError, match="not converged"):
        _ratio(*fits, "(1 | g)")
    assert _ratio(*reversed(fits), "(1 | g)")["lrt"] == 1.0


def test_mixture_of_chi_squares():
    pvalue, _ = chi_bar_square(5.138, 2, 1)
    assert pvalue == pytest.approx(0.05, abs=1e-4)  # tables of the 1:1 mixture
    assert chi_bar_square(0.0, 1, 1)[0] == 1.0
    assert np.isnan(chi_bar_square(1.0, 3, 2)[0])
    assert chi_bar_square(3.841459, 1, 0) == (pytest.approx(0.05), "chi2(1)")


# ---- comparisons ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def sleep():
    data = smm.datasets.load("sleepstudy")
    formulas = {
        "none": "Reaction ~ 1 + (1 | Subject)",
        "small": "Reaction ~ Days + (1 | Subject)",
        "diag": "Reaction ~ Days + (Days || Subject)",
        "large": "Reaction ~ Days + (Days | Subject)",
    }
    return {k: smm.lmm(f, data).fit() for k, f in formulas.items()} | {
        "ols": smf.ols("Reaction ~ Days", data).fit()
    }


def test_comparison_says_what_it_did(sleep):
    found = smm.anova(sleep["large"], sleep["none"], sleep["small"])
    assert list(found.table.index) == ["model 2", "model 3", "model 1"]
    assert found.table["df"].tolist()[1:] == [1, 2]
    assert found.table["pvalue_mixture"].isna().tolist() == [True, True, False]
    text = repr(found)
    assert "model 1: Reaction ~ Days + (Days | Subject)" in text
    assert "Refitted by ML" in text and "0.5 chi2(df - 1) + 0.5 chi2(df)" in text
    assert repr(pickle.loads(pickle.dumps(found))) == text


def test_comparison_with_least_squares(sleep):
    found = smm.anova(sleep["ols"], sleep["large"], names=["ols", "lmm"])
    assert found.table["npar"].tolist() == [3, 6]
    assert "pvalue_mixture" not in found.table  # two variances at once
    assert any("several variances" in note for note in found.notes)
    assert found.table["loglik"].iloc[0] == pytest.approx(sleep["ols"].llf)


def test_comparison_of_arrays_has_a_description():
    data = factorial()
    exog = np.column_stack([np.ones(90), data.x])
    fits = [
        smm.LMM(data.y, e, random=[data.g]).fit(reml=False) for e in (exog[:, :1], exog)
    ]
    found = smm.anova(*fits)
    assert found.models["model 2"] == "y ~ const + x1 + (const | g)"
    assert not found.notes


def test_comparison_notes_a_singular_smaller_model():
    data = smm.datasets.load("dyestuff2").assign(x=np.arange(30.0))
    fits = [smm.lmm(f"Yield ~ {f} + (1 | Batch)", data).fit() for f in ("1", "x")]
    assert any("variance of zero already" in note for note in smm.anova(*fits).notes)


def test_comparisons_that_are_refused(sleep):
    small, diag, large, none = (sleep[k] for k in ("small", "diag", "large", "none"))
    with pytest.raises(ComparisonError, match="REML criteria"):
        smm.anova(none, large, refit=False)
    other = smm.lmm(
        "Reaction ~ I(Days > 4) + (Days | Subject)", smm.datasets.load("sleepstudy")
    ).fit()
    with pytest.raises(ComparisonError, match=r"model 1 and model 2: .*not nested"):
        smm.anova(small, other)
    with pytest.raises(ComparisonError, match="as many parameters"):
        smm.anova(small, small)
    half = smm.datasets.load("sleepstudy").iloc[:90]
    fewer = smm.lmm("Reaction ~ Days + (1 | Subject)", half).fit()
    with pytest.raises(ComparisonError, match="rows, so their"):
        smm.anova(fewer, large)
    with pytest.raises(DataError, match="names="):
        smm.anova(small, large, names=["one", "one"])
    with pytest.raises(DataError, match="one or several"):
        smm.anova()
    with pytest.raises(DataError, match="one or several"):
        smm.anova(sleep["ols"])
    with pytest.raises(DataError, match="the table of one model"):
        smm.anova(small, diag, type=2)


def test_what_is_not_a_result_is_named(sleep):
    res = sleep["large"]
    with pytest.raises(DataError, match=r"argument 1 is 'x'"):
        smm.anova("x", "y")
    with pytest.raises(DataError, match=r"argument 2 is .*LMM.*fit\(\)"):
        smm.anova(res, res.model)
    with pytest.raises(DataError, match=r"argument 1 is a list.*one by one"):
        smm.anova([res, sleep["small"]])
    with pytest.raises(DataError, match="A str has no likelihood"):
        res.compare_lr_test("x")


def test_options_of_comparisons_are_refused_for_one_model(sleep):
    res = sleep["large"]
    for options in ({"names": ["one"]}, {"refit": False}):
        with pytest.raises(DataError, match="leave them out for the table of one"):
            smm.anova(res, **options)
    with pytest.raises(DataError, match="refit='no': use True or False"):
        smm.anova(res, refit="no")
    for call in (res.anova, lambda type: smm.anova(res, type=type)):
        with pytest.raises(DataError, match="type=True"):
            call(type=True)


def test_differences_are_told_in_the_order_of_the_arguments():
    data = smm.datasets.load("sleepstudy")
    small = smm.lmm("Reaction ~ Days + (1 | Subject)", data).fit()
    large = smm.lmm("Reaction ~ Days + (Days | Subject)", data.iloc[:179]).fit()
    options = {"names": ["one", "two"]}
    words = r"^one and two: The fits use 180 \(one\) and 179 \(two\) rows"
    with pytest.raises(ComparisonError, match=words):
        smm.anova(small, large, **options)
    words = r"^one and two: The fits use 179 \(one\) and 180 \(two\) rows"
    with pytest.raises(ComparisonError, match=words):
        smm.anova(large, small, **options)
    with pytest.raises(ComparisonError, match="use 179 and 180 rows"):
        large.compare_lr_test(small)


def test_distributions_are_told_in_the_order_of_the_arguments():
    data = factorial().assign(count=lambda d: (d.y > 0) * 1.0)
    poisson = smm.glmm("count ~ 1 + (1 | g)", data, family="poisson").fit()
    binomial = smm.glmm("count ~ x + (1 | g)", data, family="binomial").fit()
    for fits in ((poisson, binomial), (binomial, poisson)):
        first, second = (res.family.name for res in fits)
        words = rf"{first} family.* \(model 1\) and {second} family.* \(model 2\)"
        with pytest.raises(ComparisonError, match=words):
            smm.anova(*fits)


def test_ratios_that_are_rounding_have_the_p_value_of_zero():
    data = smm.datasets.load("dyestuff2")
    res = smm.lmm("Yield ~ 1 + (1 | Batch)", data).fit()
    assert res.ranova().loc["(1 | Batch)", ["lrt", "pvalue"]].tolist() == [0.0, 1.0]
    fits = [
        SimpleNamespace(deviance=d, beta=np.zeros(2), n_covariance=c)
        for d, c in ((10.0, 2), (10.0 + 1.6e-11, 1))
    ]
    row = _ratio(*fits, "(1 | g)")
    assert row["lrt"] == 0.0 and chi_bar_square(row["lrt"], 1, 1)[0] == 1.0
    ols = smf.ols("Yield ~ 1", data).fit()
    row = smm.anova(ols, res).table.loc["model 2"]
    assert (row["chi2"], row["pvalue"], row["pvalue_mixture"]) == (0.0, 1.0, 1.0)


def test_one_model_is_tested_by_term(sleep):
    res = sleep["large"]
    pd.testing.assert_frame_equal(smm.anova(res), res.anova(3))
    expected = res.anova("I", "kr")
    pd.testing.assert_frame_equal(smm.anova(res, type=1, df_method="kr"), expected)


def test_options_and_missing_rows_are_refused():
    res = smm.lmm("y ~ a + (1 | g)", factorial()).fit()
    with pytest.raises(DataError, match="type=4"):
        res.anova(4)
    with pytest.raises(DataError, match="test='wald'"):
        res.drop1("wald")
    res.remove_data()
    for call in (res.anova, res.drop1, res.ranova):
        with pytest.raises(DataError, match="remove_data"):
            call()
    with pytest.raises(ComparisonError, match="remove_data"):
        smm.anova(res, res)


def test_results_from_a_pickle_are_tested_alike():
    res = smm.lmm("y ~ C(a, Sum) * x + (x | g)", factorial()).fit()
    again = pickle.loads(pickle.dumps(res))
    pd.testing.assert_frame_equal(again.anova(2), res.anova(2))
    assert again.ranova().equals(res.ranova())


@pytest.mark.slow
def test_mixture_rejects_as_often_as_it_says():
    n, x = 1000, np.tile(np.linspace(-1.0, 1.0, 6), 60)
    data = pd.DataFrame({"x": x, "g": np.repeat(np.arange(60), 6)})
    data["y"] = np.random.default_rng(5).normal(size=360) + data.g % 3
    full = smm.lmm("y ~ x + (x | g)", data).fit()
    small = smm.lmm("y ~ x + (1 | g)", data).fit()
    draws = small.simulate(n, rng=6)
    lrt = 2.0 * np.asarray(full.refit(draws).llf - small.refit(draws).llf)
    mixture, naive = (
        np.mean([chi_bar_square(ratio, 2, k)[0] < 0.1 for ratio in lrt]) for k in (1, 0)
    )
    # three Monte Carlo standard errors
    assert mixture == pytest.approx(0.1, abs=0.03)
    assert naive < mixture
    assert naive < 0.085
