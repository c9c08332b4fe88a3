"""Checks of an approximation by a better integral, and comparison of methods."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose
from reference.truth_glmm import EXACT

import statsmodels_mixed as smm
from statsmodels_mixed.errors import ComparisonError, DataError
from statsmodels_mixed.fitting.integration import (
    _finer,
    check_by_quadrature,
    check_by_sampling,
)
from statsmodels_mixed.inference import integration

CBPP = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
IMMUN = (
    "immun ~ kid2p + mom25p + ord + ethn + momEd + husEd + momWork + rural + pcInd81 "
    "+ (1 | mom) + (1 | comm)"
)
ITEMS = "r2 ~ Anger + Gender + btype + situ + (1 | id) + (1 | item)"


def cbpp():
    return smm.glmm(CBPP, smm.datasets.load("cbpp"), family="binomial")


@pytest.fixture(scope="module")
def laplace():
    return cbpp().fit()


def test_the_step_leads_to_the_exact_estimates(laplace):
    report, exact = laplace.check_integration(), EXACT["cbpp"]
    assert report.verdict == "fine"
    finer = cbpp().engine.objective(61)
    there = finer.evaluate(laplace.fit_record.evaluation.x, derivatives=False).value
    expected = -0.5 * float(there) - laplace.llf
    assert report.difference == pytest.approx(expected, abs=1e-9)
    assert report.difference > 0.04
    one_step = report.table["one step"]
    # a Newton step is right to second order: the shifts are 0.003 to 0.03
    for mine, value in zip(one_step, exact["fixef"].values(), strict=False):
        assert mine == pytest.approx(value, abs=2e-5)
    assert one_step.iloc[-1] == pytest.approx(0.647518478, abs=1e-4)


def test_sampling_agrees_with_quadrature(laplace):
    fit = laplace.fit_record
    exact = check_by_quadrature(fit)
    drawn = check_by_sampling(fit, np.random.default_rng(0), 4000)
    assert 0 < drawn.difference_se < 0.01
    assert abs(drawn.difference - exact.difference) < 4 * drawn.difference_se
    assert (np.abs(drawn.step - exact.step) < 4 * drawn.step_se + 1e-9).all()
    assert (drawn.step_se > 0).all()


def test_quadrature_finds_nothing_wrong_with_itself():
    report = cbpp().fit(nagq=61).check_integration()
    assert report.difference == pytest.approx(0.0, abs=1e-9)
    assert report.table["shift (se)"].abs().max() < 1e-4
    assert report.verdict == "fine"


def test_a_joint_fit_is_checked_too():
    report = cbpp().fit(nagq=0).check_integration()
    # R: bias of the intercept 0.0378 of 0.2335
    assert report.table["shift (se)"].iloc[0] == pytest.approx(-0.165, abs=0.02)


def test_three_levels_of_binary_rows_are_badly_wrong():
    data = smm.datasets.load("guimmun")
    report = smm.glmm(IMMUN, data, family="binomial").fit().check_integration()
    assert report.verdict == "badly wrong"
    assert "do not report" in report.advice and "nagq" in report.advice
    assert report.difference > 10
    assert "quadrature with 11 x 31 nodes" in repr(report)


def test_crossed_items_are_fine():
    data = smm.datasets.load("verbagg")
    res = smm.glmm(ITEMS, data, family="binomial").fit()
    assert res.convergence.n_evaluations <= 10  # of criterion and gradient
    report = res.check_integration(rng=0)
    assert report.verdict == "fine"
    assert report.method.startswith("importance sampling")
    assert report.difference == pytest.approx(3.4, abs=0.5)  # MCML: 3.47 +- 0.07
    assert "(+- " in repr(report)


def test_the_verdict_says_when_it_cannot_tell(laplace):
    check = check_by_quadrature(laplace.fit_record)
    table = laplace.check_integration().table
    few = replace(check, ess=10.0)
    verdict, advice = integration._judge(laplace.fit_record, few, table)
    assert verdict == "undecided" and "n_draws" in advice
    table = table.assign(**{"shift (se)": [0.1, 0.4, 0.0, 0.0, 0.0]})
    verdict, advice = integration._judge(laplace.fit_record, check, table)
    assert verdict == "noticeable" and "period[T.2]" in advice


# ---- methods side by side --------------------------------------------------------


def test_methods_side_by_side():
    comparison = smm.compare_methods(cbpp(), ["pql", "laplace", 5, "mcml"], rng=1)
    table = comparison.table
    assert list(comparison.results) == ["pql", "laplace", "5 nodes", "mcml"]
    assert set(table.columns) == {
        "method", "parameter", "estimate", "se", "lower", "upper", "llf",
    }  # fmt: skip
    laplace = table[table.method == "laplace"].set_index("parameter")
    assert_allclose(laplace.llf, cbpp().fit().llf)
    assert laplace.estimate["sd herd Intercept"] == pytest.approx(0.64226, abs=1e-4)
    assert table[table.method == "pql"].llf.isna().all()
    assert "5 nodes" in repr(comparison) and "sd herd Intercept" in repr(comparison)


def test_the_picture_shows_the_table():
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    comparison = smm.compare_methods(cbpp(), ["laplace", 5])
    figure = comparison.plot()
    axes = [ax for ax in figure.axes if ax.get_visible()]
    parameters = list(dict.fromkeys(comparison.table.parameter))
    assert [ax.get_title() for ax in axes] == parameters
    for ax, parameter in zip(axes, parameters, strict=True):
        rows = comparison.table[comparison.table.parameter == parameter]
        drawn = ax.lines[0]
        assert_allclose(drawn.get_xdata(), rows.estimate)
        assert_allclose(drawn.get_ydata(), [1, 0])
        whiskers = ax.containers[0][2][0].get_segments()
        if rows.lower.notna().all():
            assert_allclose([s[0, 0] for s in whiskers], rows.lower)
            assert_allclose([s[1, 0] for s in whiskers], rows.upper)
        else:
            assert not len(whiskers)
    labels = [label.get_text() for label in axes[0].get_yticklabels()]
    assert labels == ["5 nodes", "laplace"]
    matplotlib.pyplot.close(figure)
    with pytest.raises(smm.errors.MixedModelError, match="axes"):
        comparison.plot(axes=axes[:1])


@pytest.mark.parametrize("method", ["lapalce", "aghq"])
def test_unknown_methods_name_the_known_ones(method):
    with pytest.raises(DataError, match=r"'laplace'.*'mcml'"):
        smm.compare_methods(cbpp(), [method])


# ---- methods of fit --------------------------------------------------------------


def test_quasi_likelihood_has_no_likelihood():
    res = cbpp().fit(method="pql")
    assert res.converged and not res.has_likelihood
    assert res.dispersion == pytest.approx(1.4032, abs=1e-3)
    for name in ("llf", "aic", "bic", "aicc"):
        with pytest.raises(ComparisonError, match="no likelihood"):
            getattr(res, name)
    with pytest.raises(ComparisonError):
        res.check_integration()
    text = res.summary().as_text()
    assert "quasi-likelihood" in text and "AIC:" not in text


def test_monte_carlo_reports_its_errors():
    res = cbpp().fit(method="mcml", rng=1, n_draws=1000)
    assert abs(res.llf - EXACT["cbpp"]["loglik"]) < 4 * res.llf_se
    assert 0 < res.llf_se < 0.05
    assert (res.params_mcse > 0).all() and (res.params_mcse < 0.1 * res.bse).all()
    assert "draws" in res.summary().as_text()
    again = cbpp().fit(method="mcml", rng=1, n_draws=1000)
    assert again.llf == res.llf and (again.params == res.params).all()
    assert cbpp().fit().llf_se == 0.0


@pytest.mark.parametrize(
    "options, words",
    [
        ({"method": "reml"}, "method='reml'"),
        ({"method": "mcml", "n_draws": 1}, "n_draws=1"),
        ({"nagq": -1}, "nagq=-1"),
    ],
)
def test_bad_options_are_refused(options, words):
    with pytest.raises(DataError, match=words):
        cbpp().fit(**options)


# ---- nodes of the check -----------------------------------------------------------


@pytest.mark.parametrize(
    "sizes, own, nodes",
    [
        ((1,), 1, 61),
        ((1,), 40, 80),
        ((1,), 80, 100),
        ((2,), 15, 30),
        ((3,), 5, 11),
        ((3,), 20, 27),
        ((1, 1), 1, (11, 31)),
        ((1, 1), 25, (50, 50)),
        ((1, 1), (15, 60), (30, 100)),
    ],
)
def test_the_check_is_finer_than_the_fit(sizes, own, nodes):
    found, method = _finer(sizes, own)
    assert found == nodes
    assert (
        method == f"quadrature with {str(nodes).strip('()').replace(', ', ' x ')} nodes"
    )


def test_a_fit_with_the_most_nodes_is_compared_with_itself():
    report = cbpp().fit(nagq=100).check_integration()
    assert report.difference == pytest.approx(0.0, abs=1e-9)
    assert "those of the fit and the most there can be" in report.method


def test_many_nodes_are_doubled():
    report = cbpp().fit(nagq=35).check_integration()
    assert report.method == "quadrature with 70 nodes"


def test_without_random_effects_there_is_nothing_to_check():
    formula = CBPP.replace(" + (1 | herd)", "")
    report = smm.glmm(formula, smm.datasets.load("cbpp")).fit().check_integration()
    assert report.verdict == "fine" and "nothing to integrate" in report.advice
    assert report.difference == pytest.approx(0.0, abs=1e-9)
    assert "nodes" not in repr(report)


def test_covariances_of_a_generalized_model_are_not_relative():
    with pytest.raises(DataError, match="random-effects term, of sizes") as caught:
        cbpp().fit(start=[np.eye(2)])
    assert "sigma" not in str(caught.value)
    with pytest.raises(DataError, match="random-effects term, of sizes"):
        cbpp().loglike(np.zeros(4), [np.eye(2)])
