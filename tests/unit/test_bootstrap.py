"""Bootstrap: kinds of draws, intervals, failures, interruption."""

import sys
import time

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import statsmodels_mixed as smm
from statsmodels_mixed.errors import (
    DataError,
    IdentifiabilityError,
    MixedModelError,
)
from statsmodels_mixed.inference.bootstrap.bca import INTERVALS, accelerations
from statsmodels_mixed.inference.bootstrap.kinds import Residual, make_kind
from statsmodels_mixed.inference.bootstrap.measures import Estimates
from statsmodels_mixed.inference.bootstrap.refitting import Refitter
from statsmodels_mixed.inference.bootstrap.replicates import run_chunks
from statsmodels_mixed.inference.bootstrap.resampling import Clusters, cluster_factor
from statsmodels_mixed.results.bootstraps import BootstrapMethods
from statsmodels_mixed.simulation import simulate_responses

CBPP = "cbind(incidence, size - incidence) ~ period + (1 | herd)"


def bootstrap(res, *args, **kwds):
    return BootstrapMethods.bootstrap(res, *args, **kwds)


@pytest.fixture(scope="module")
def sleep():
    data = smm.datasets.load("sleepstudy")
    return smm.lmm("Reaction ~ Days + (Days | Subject)", data).fit()


@pytest.fixture(scope="module")
def herds():
    return smm.glmm(CBPP, smm.datasets.load("cbpp"), "binomial").fit()


@pytest.fixture(scope="module")
def nested():
    data = smm.datasets.load("pastes")
    return smm.lmm("strength ~ 1 + (1 | batch / cask)", data).fit()


@pytest.fixture(scope="module")
def crossed():
    data = smm.datasets.load("penicillin")
    return smm.lmm("diameter ~ 1 + (1 | plate) + (1 | sample)", data).fit()


@pytest.fixture(scope="module")
def boot(sleep):
    return bootstrap(sleep, 400, rng=7)


def stream_of(n, seed):
    """The generator that `n` draws, of one chunk, are made with."""

    def task(rng, count):
        assert count == n
        return rng

    ((rng,), _) = run_chunks(task, n, n, seed)
    return rng


def estimates(res):
    fit = res.fit_record
    return pd.Series(Estimates(fit)(fit), Estimates(fit).names)


# ---- draws ------------------------------------------------------------------------


def test_names_and_estimates_are_those_of_the_fit(sleep, boot):
    assert list(boot.draws.columns) == [
        "Intercept",
        "Days",
        "sd_Intercept|Subject",
        "cor_Days.Intercept|Subject",
        "sd_Days|Subject",
        "sigma",
    ]
    np.testing.assert_allclose(boot.estimates.iloc[:2], sleep.params)
    assert boot.estimates["sigma"] == pytest.approx(sleep.sigma)


@pytest.mark.parametrize("kind", ["parametric", "residual", "case"])
def test_seeds_reproduce(sleep, kind):
    a, b, c = (bootstrap(sleep, 12, kind, rng=seed).draws for seed in (3, 3, 4))
    pd.testing.assert_frame_equal(a, b)
    assert not np.isclose(a, c).any()


def test_a_generator_moves_on(sleep):
    rng = np.random.default_rng(3)
    a, b = bootstrap(sleep, 5, rng=rng), bootstrap(sleep, 5, rng=rng)
    assert not np.isclose(a.draws, b.draws).any()


def test_processes_do_not_change_the_draws(sleep):
    pytest.importorskip("joblib")
    alone, two = (bootstrap(sleep, 25, "case", rng=3, n_jobs=n) for n in (1, 2))
    pd.testing.assert_frame_equal(alone.draws, two.draws)


def test_parametric_draws_are_refits_of_simulated_responses(sleep):
    y = simulate_responses(sleep.fit_record, 6, rng=stream_of(6, 3))
    again = sleep.refit(y)
    draws = bootstrap(sleep, 6, rng=3).draws
    np.testing.assert_allclose(draws.iloc[:, :2], again.params, rtol=1e-12)
    np.testing.assert_allclose(draws["sigma"], again.sigma, rtol=1e-12)


def test_parametric_draws_have_the_standard_errors_of_the_fit(sleep):
    boot = bootstrap(sleep, 1000, rng=5)
    assert (boot.bias[:2].abs() < 4 * boot.table["mcse"][:2]).all()
    # the standard error of a standard deviation of n draws is 1 / sqrt(2 n) of it
    np.testing.assert_allclose(boot.se[:2] / sleep.bse, 1.0, atol=4 / np.sqrt(2000))


def test_conditional_draws_keep_the_modes(sleep):
    new, kept = (
        bootstrap(sleep, 300, rng=1, random=how).se for how in ("new", "conditional")
    )
    # only sigma^2 (X'X)^-1 is left of the covariance of balanced fixed effects
    exog = sleep.model.exog
    expected = sleep.sigma * np.sqrt(np.linalg.inv(exog.T @ exog)[1, 1])
    assert kept["Days"] == pytest.approx(expected, rel=4 / np.sqrt(600))
    assert kept["Days"] < 0.6 * new["Days"]


def test_a_statistic_of_results(sleep):
    both = bootstrap(sleep, 8, rng=2)
    own = bootstrap(
        sleep, 8, rng=2, statistic=lambda r: {"s": r.sigma, "days": r.params["Days"]}
    )
    assert list(own.draws.columns) == ["s", "days"]
    np.testing.assert_allclose(own.draws["s"], both.draws["sigma"], rtol=1e-6)
    np.testing.assert_allclose(own.draws["days"], both.draws["Days"], rtol=1e-6)
    one = bootstrap(sleep, 3, rng=2, statistic=lambda r: r.sigma)
    assert list(one.draws.columns) == ["statistic"]
    two = bootstrap(sleep, 3, rng=2, statistic=lambda r: np.asarray(r.params))
    assert list(two.draws.columns) == ["statistic[0]", "statistic[1]"]


def test_a_statistic_sees_the_resampled_data(sleep):
    boot = bootstrap(
        sleep, 4, "case", rng=2, statistic=lambda r: [r.nobs, r.ngroups["Subject"]]
    )
    assert (boot.draws == [180, 18]).all(axis=None)


def test_robust_standard_errors_go_with_the_rows():
    data = smm.datasets.load("sleepstudy")
    model = smm.lmm("Reaction ~ Days + (1 | Subject)", data)
    plain, robust = model.fit(), model.fit(cov_type="cluster")
    draws = {
        (kind, res is robust): bootstrap(
            res, 3, kind, rng=1, statistic=lambda r: r.bse["Days"]
        ).draws
        for kind in ("parametric", "case")
        for res in (plain, robust)
    }
    y = robust.simulate(3, rng=stream_of(3, 1))
    expected = [robust.refit(y[i]).bse["Days"] for i in range(3)]
    np.testing.assert_allclose(
        draws["parametric", True]["statistic"], expected, rtol=1e-6
    )
    assert not np.isclose(draws["parametric", True], draws["parametric", False]).any()
    pd.testing.assert_frame_equal(draws["case", True], draws["case", False])


def test_generalized_models(herds):
    boot = bootstrap(herds, 10, rng=3)
    y = herds.simulate(10, rng=stream_of(10, 3))
    np.testing.assert_allclose(
        boot.draws[herds.params.index], herds.refit(y).params, rtol=1e-12
    )
    assert boot.draws.columns[-1] == "sd_Intercept|herd"


def test_quasi_likelihood(herds):
    res = herds.model.fit(method="pql")
    boot = bootstrap(res, 3, rng=1)
    y = res.simulate(3, rng=stream_of(3, 1))
    np.testing.assert_allclose(
        boot.draws[res.params.index], res.refit(y).params, rtol=1e-9
    )


# ---- cases ------------------------------------------------------------------------


def by_hand(data, groups, drawn, nested_in=()):
    """The frame with whole clusters repeated under new labels."""
    parts = []
    for number, level in enumerate(drawn):
        part = data[data[groups] == level].copy()
        for name in (groups, *nested_in):
            part[name] = f"{number}_" + part[name].astype(str)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def drawn_design(res, drawn, cluster=None):
    design = res.fit_record.design
    return Clusters(design, cluster_factor(design, cluster)).take(np.array(drawn))


@pytest.mark.parametrize(
    ("name", "formula", "groups", "inner", "cluster"),
    [
        ("sleepstudy", "Reaction ~ Days + (Days | Subject)", "Subject", (), None),
        ("pastes", "strength ~ 1 + (1 | batch / cask)", "batch", (), None),
        ("penicillin", "diameter ~ 1 + (1|plate) + (1|sample)", "plate", (), "plate"),
    ],
    ids=["slopes", "nested", "crossed"],
)
def test_cases_are_fits_of_frames_with_repeated_clusters(
    name, formula, groups, inner, cluster
):
    data = smm.datasets.load(name)
    res = smm.lmm(formula, data).fit()
    grouping = cluster_factor(res.fit_record.design, cluster)
    drawn = [0, 3, 3, 1, 3, 5, 2, 0]
    frame = by_hand(data, groups, grouping.levels[drawn], inner)
    refitter = Refitter(res.fit_record, res.options, Estimates(res.fit_record))
    found = refitter.designs(lambda _: drawn_design(res, drawn, cluster), 1)
    expected = estimates(smm.lmm(formula, frame).fit())
    np.testing.assert_allclose(found.values[0], expected, rtol=1e-5)


def test_cases_of_trials(herds):
    data = smm.datasets.load("cbpp")
    drawn = [0, 0, 4, 7, 2, 11, 11, 9]
    levels = cluster_factor(herds.fit_record.design).levels[drawn]
    expected = estimates(
        smm.glmm(CBPP, by_hand(data, "herd", levels), "binomial").fit()
    )
    refitter = Refitter(herds.fit_record, herds.options, Estimates(herds.fit_record))
    found = refitter.designs(lambda _: drawn_design(herds, drawn), 1)
    np.testing.assert_allclose(found.values[0], expected, rtol=1e-5)


def test_cases_take_weights_and_offset_along():
    data = smm.datasets.load("sleepstudy")
    data["w"] = 1.0 + data.index.to_numpy() % 5
    data["known"] = data.index.to_numpy() % 7 * 3.0
    formula = "Reaction ~ Days + offset(known) + (1 | Subject)"
    res = smm.lmm(formula, data, weights="w").fit()
    drawn = [5, 5, 1, 0, 9, 12]
    levels = cluster_factor(res.fit_record.design).levels[drawn]
    frame = by_hand(data, "Subject", levels)
    expected = estimates(smm.lmm(formula, frame, weights="w").fit())
    refitter = Refitter(res.fit_record, res.options, Estimates(res.fit_record))
    found = refitter.designs(lambda _: drawn_design(res, drawn), 1)
    np.testing.assert_allclose(found.values[0], expected, rtol=1e-5)


def test_repeated_clusters_get_labels_of_their_own(nested):
    design = drawn_design(nested, [2, 2, 0])
    groups = {t.group: t.grouping for t in design.terms}
    assert groups["batch"].levels.tolist() == ["A", "C", "C#2"]
    assert groups["batch:cask"].n_levels == 9
    assert "C#2:a" in groups["batch:cask"].labels()
    assert groups["batch:cask"].encode(["C#2", "B"], ["a", "a"]).tolist() == [
        groups["batch:cask"].labels().get_loc("C#2:a"),
        -1,
    ]


def test_labels_without_copies_are_what_they_were(crossed):
    data = smm.datasets.load("penicillin")
    data["sample"] = data["sample"].map({s: i for i, s in enumerate("ABCDEF")})
    res = smm.lmm("diameter ~ 1 + (1 | plate) + (1 | sample)", data).fit()
    groups = {t.group: t.grouping for t in drawn_design(res, [0, 0], "plate").terms}
    assert groups["sample"].levels.tolist() == list(range(6))
    assert groups["plate"].levels.tolist() == ["a", "a#2"]


def test_rows_within_clusters(sleep):
    plain, rows = (
        bootstrap(sleep, 20, "case", rng=1, resample_rows=flag).draws["sigma"]
        for flag in (False, True)
    )
    assert not np.isclose(plain, rows).any()
    design = sleep.fit_record.design
    clusters = Clusters(design, design.terms[0].grouping)
    again = clusters.take(np.array([4, 4]), rng=np.random.default_rng(0))
    own = design.endog[design.terms[0].grouping.codes == 4]
    assert set(again.endog) < set(own) and again.nobs == 20


def test_a_resample_that_loses_a_column_is_a_failure():
    data = smm.datasets.load("sleepstudy")
    data["only"] = (data.Subject == data.Subject.iloc[0]) * data.Days
    res = smm.lmm("Reaction ~ Days + only + (1 | Subject)", data).fit()
    boot = bootstrap(res, 30, "case", rng=1)
    assert 0 < boot.n_failed < 30
    assert boot.failures.str.contains("linear combinations").all()
    assert set(boot.failures.index) | set(boot.draws.index) == set(range(30))
    assert f"{boot.n_failed} failed" in repr(boot)


# ---- residuals --------------------------------------------------------------------


def test_pools_have_the_estimated_covariance(sleep):
    fit = sleep.fit_record
    kind = Residual(fit)
    ((_, modes),) = kind.mode_pools
    np.testing.assert_allclose(modes.T @ modes / 18, fit.covariances[0], rtol=1e-9)
    np.testing.assert_allclose(modes.mean(axis=0), 0.0, atol=1e-10)
    assert (kind.pool**2).mean() == pytest.approx(fit.sigma2)
    assert kind.pool.mean() == pytest.approx(0.0, abs=1e-10)


def test_residual_draws_have_the_fitted_covariance(sleep):
    fit = sleep.fit_record
    draws = Residual(fit).draw(np.random.default_rng(1), 6000) - fit.fixed_part[:, None]
    rows = fit.design.terms[0].grouping.codes == 7
    z = fit.design.terms[0].z[rows]
    expected = z @ fit.covariances[0] @ z.T + fit.sigma2 * np.eye(10)
    found = draws[rows] @ draws[rows].T / 6000
    # generous: tails of the residuals are longer than the normal's
    error = np.sqrt(2.0 / 6000) * np.sqrt(
        np.outer(np.diag(expected), np.diag(expected))
    )
    assert (np.abs(found - expected) < 6 * error).all()
    # other subjects are independent
    other = draws[fit.design.terms[0].grouping.codes == 3]
    assert (np.abs(draws[rows] @ other.T / 6000) < 6 * error).all()


def test_residual_draws_of_weighted_rows_and_several_factors():
    data = smm.datasets.load("penicillin")
    data["w"] = np.where(data.index < 72, 1.0, 9.0)
    formula = "diameter ~ 1 + (1 | plate) + (1 | sample)"
    fit = smm.lmm(formula, data, weights="w").fit().fit_record
    draws = Residual(fit).draw(np.random.default_rng(1), 4000)
    variance = sum(float(c[0, 0]) for c in fit.covariances)
    expected = variance + fit.sigma2 / fit.design.weights
    np.testing.assert_allclose(draws.var(axis=1) / expected, 1.0, atol=0.15)
    # residuals alone
    kept = Residual(fit, "conditional").draw(np.random.default_rng(1), 4000)
    np.testing.assert_allclose(
        kept.var(axis=1) * fit.design.weights / fit.sigma2, 1.0, atol=0.15
    )


def test_residual_draws_of_a_singular_fit():
    data = smm.datasets.load("dyestuff2")
    res = smm.lmm("Yield ~ 1 + (1 | Batch)", data).fit()
    boot = bootstrap(res, 40, "residual", rng=1)
    assert boot.n_singular > 0
    assert boot.n_singular == (boot.draws["sd_Intercept|Batch"] == 0).sum()
    assert f"{boot.n_singular} singular" in repr(boot)


# ---- intervals --------------------------------------------------------------------


def test_percentile_intervals_are_quantiles(boot):
    found = boot.conf_int(0.9)
    expected = np.nanquantile(boot.draws, [0.05, 0.95], axis=0).T
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert list(found.index) == list(boot.estimates.index)


def test_basic_and_normal_intervals(boot):
    low, high = boot.conf_int(0.9).to_numpy().T
    basic = boot.conf_int(0.9, "basic")
    centre = 2 * boot.estimates.to_numpy()
    np.testing.assert_allclose(basic, np.column_stack([centre - high, centre - low]))
    normal = boot.conf_int(0.9, "normal")
    middle = boot.estimates - boot.bias
    np.testing.assert_allclose(normal.mean(axis=1), middle)
    width = 2 * stats.norm.ppf(0.95) * boot.se
    np.testing.assert_allclose(normal.upper - normal.lower, width)


def test_bca_without_bias_and_acceleration_is_the_percentile_interval():
    draws = np.random.default_rng(1).gamma(2.0, size=501)
    tails, median = np.array([0.025, 0.975]), np.median(draws)
    ours, plain = (
        INTERVALS[m].function(draws, median, tails, 0.0) for m in ("bca", "percentile")
    )
    np.testing.assert_allclose(ours, plain, rtol=1e-12)
    moved = INTERVALS["bca"].function(draws, median, tails, 0.1)
    assert (moved > plain).all()


def test_bca_is_that_of_scipy():
    sample = np.random.default_rng(1).exponential(size=40)
    theirs = stats.bootstrap(
        (sample,), np.mean, n_resamples=999, method="BCa", random_state=1
    )
    left_out = np.array([np.delete(sample, i).mean() for i in range(40)])
    (acceleration,) = accelerations(left_out[:, None])
    ours = INTERVALS["bca"].function(
        theirs.bootstrap_distribution,
        sample.mean(),
        np.array([0.025, 0.975]),
        acceleration,
    )
    np.testing.assert_allclose(ours, theirs.confidence_interval, rtol=2e-3)


def test_bca_needs_draws_on_both_sides():
    tails = np.array([0.025, 0.975])
    assert np.isnan(INTERVALS["bca"].function(np.ones(9), 0.0, tails, 0.0)).all()
    assert np.isnan(INTERVALS["bca"].function(np.arange(9.0), 4.0, tails, 3.0)).all()


def test_the_jackknife_leaves_out_clusters(sleep, boot):
    data = smm.datasets.load("sleepstudy")
    level = cluster_factor(sleep.fit_record.design).levels[4]
    formula = "Reaction ~ Days + (Days | Subject)"
    expected = estimates(smm.lmm(formula, data[data.Subject != level]).fit())
    assert boot.jackknife.shape == (18, 6)
    np.testing.assert_allclose(boot.jackknife.iloc[4], expected, rtol=1e-5)
    interval = boot.conf_int(method="bca")
    assert (interval.lower < boot.estimates).all()
    assert (interval.upper > boot.estimates).all()


def test_undefined_correlations_do_not_count():
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({"y": rng.normal(size=40), "x": np.tile(np.arange(5.0), 8)})
    frame["g"] = np.repeat(np.arange(8), 5)
    boot = bootstrap(smm.lmm("y ~ x + (x | g)", frame).fit(), 60, rng=1)
    name = "cor_x.Intercept|g"
    known = boot.draws[name].dropna()
    assert 0 < len(known) < len(boot.draws)
    assert boot.conf_int().loc[name, "upper"] == np.quantile(known, 0.975)
    assert boot.table.loc[name, "mcse"] == known.std() / np.sqrt(len(known))


# ---- failures, interruption -------------------------------------------------------


class NowAndThen:
    """A statistic that goes wrong in some calls."""

    def __init__(self, error, when):
        self.error, self.when, self.count = error, when, 0

    def __call__(self, results):
        self.count += 1
        if self.when(self.count):
            raise self.error
        return results.sigma


def test_failures_are_counted(sleep):
    # the first call is for the fit itself
    flaky = NowAndThen(DataError("no luck"), lambda i: i in (3, 6))
    boot = bootstrap(sleep, 10, rng=1, statistic=flaky)
    assert boot.failures.to_dict() == {1: "no luck", 4: "no luck"}
    assert list(boot.draws.index) == [0, 2, 3, 5, 6, 7, 8, 9]
    assert "8 of 10 draws, 2 failed" in repr(boot)


def test_one_bad_response_does_not_spoil_the_others(sleep):
    fit = sleep.fit_record
    y = simulate_responses(fit, 4, rng=1)
    refitter = Refitter(fit, sleep.options, Estimates(fit))
    good = refitter.responses(y)
    y[:, 2] = 5.0
    found = refitter.responses(y)
    assert list(found.errors) == [2] and "constant" in found.errors[2]
    assert found.converged.tolist() == [True, True, False, True]
    np.testing.assert_allclose(found.values[[0, 1, 3]], good.values[[0, 1, 3]], 1e-5)


def test_fits_that_did_not_converge_are_failures(sleep):
    from dataclasses import replace

    from statsmodels_mixed.inference.bootstrap.bootstrap import bootstrap_fit

    options = replace(sleep.options, max_iter=1, start=([[9.0, 2.0], [2.0, 9.0]],))
    boot = bootstrap_fit(sleep.fit_record, options, 4, rng=1)
    assert boot.failures.tolist() == ["not converged"] * 4
    with pytest.raises(DataError, match="Only 0 of 4 draws"):
        boot.conf_int()


def test_interruption_returns_what_is_done(sleep):
    impatient = NowAndThen(KeyboardInterrupt(), lambda i: i == 25)
    boot = bootstrap(sleep, 100, rng=1, statistic=impatient)
    assert boot.interrupted and "interrupted" in repr(boot)
    assert list(boot.draws.index) == list(range(20))
    whole = bootstrap(sleep, 100, rng=1, statistic=lambda r: r.sigma)
    pd.testing.assert_frame_equal(boot.draws, whole.draws[:20])
    at_once = NowAndThen(KeyboardInterrupt(), lambda i: i == 2)
    assert len(bootstrap(sleep, 20, rng=1, statistic=at_once).draws) == 0


def test_progress(sleep, capsys):
    pytest.importorskip("tqdm")
    bootstrap(sleep, 20, "case", rng=1, progress=True)
    assert "20/20" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("module", "arguments"),
    [("tqdm.auto", {"progress": True}), ("joblib", {"n_jobs": 2})],
)
def test_optional_packages_are_named(sleep, monkeypatch, module, arguments):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MixedModelError, match=module.partition(".")[0]):
        bootstrap(sleep, 5, **arguments)


# ---- refusals ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"n": 0}, "n=0: give a whole number"),
        ({"n": 2.5}, "n=2.5"),
        ({"kind": "wild"}, "kind='wild': use 'parametric' or"),
        ({"kind": "case", "random": "new"}, "random= is not for kind='case'"),
        ({"resample_rows": True}, "resample_rows= is not for"),
        ({"cluster": "Days"}, "no grouping factor; use 'Subject'"),
        ({"random": "old"}, "random='old'"),
        ({"kind": "case", "cluster": "Days"}, "no grouping factor; use 'Subject'"),
        ({"statistic": 3}, "must be a function"),
        ({"statistic": lambda r: "three"}, "it returned str"),
    ],
)
def test_bad_arguments(sleep, arguments, match):
    with pytest.raises(DataError, match=match):
        bootstrap(sleep, **{"n": 5, **arguments})


def test_bad_intervals(boot):
    with pytest.raises(DataError, match="level=95"):
        boot.conf_int(95)
    with pytest.raises(DataError, match="method='profile'"):
        boot.conf_int(method="profile")


def test_alpha_is_one_minus_the_level(boot):
    pd.testing.assert_frame_equal(boot.conf_int(alpha=0.1), boot.conf_int(0.9))
    with pytest.raises(DataError, match=r"level= or alpha=.*not both"):
        boot.conf_int(0.9, alpha=0.1)
    for bad in (0, 1.0, "5%", True):
        with pytest.raises(DataError, match=r"alpha=.*between 0 and 1"):
            boot.conf_int(alpha=bad)


def test_options_in_any_case(sleep, boot):
    pd.testing.assert_frame_equal(
        boot.conf_int(method="Percentile"), boot.conf_int(method="percentile")
    )
    pd.testing.assert_frame_equal(
        boot.conf_int(method="BCa"), boot.conf_int(method="bca")
    )
    loud = bootstrap(sleep, 3, "Parametric", rng=1, random="NEW")
    assert loud.kind == "parametric"
    pd.testing.assert_frame_equal(loud.draws, bootstrap(sleep, 3, rng=1).draws)
    assert bootstrap(sleep, 2, "Case", rng=1).kind == "case"


def test_pictures(boot):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure = boot.plot(level=0.9, method="Basic")
    assert [ax.get_xlabel() for ax in figure.axes] == list(boot.draws.columns)
    bars = {line.get_label(): line for line in figure.axes[1].lines}
    limits = boot.conf_int(0.9, "basic").loc["Days"]
    np.testing.assert_allclose(bars["90% interval (basic)"].get_xdata(), limits)
    np.testing.assert_allclose(
        bars["estimate"].get_xdata(), boot.estimates["Days"], rtol=1e-12
    )
    heights = sum(patch.get_height() for patch in figure.axes[1].patches)
    assert heights == len(boot.draws)
    (legend,) = figure.legends
    assert len(legend.get_texts()) == 2
    (alone,) = boot.plot("sigma").axes
    assert alone.get_xlabel() == "sigma"
    _, own = plt.subplots(1, 2)
    assert boot.plot(["Days", "sigma"], axes=own) is own[0].figure
    with pytest.raises(MixedModelError, match="6 parameters need as many axes"):
        boot.plot(axes=own)
    with pytest.raises(DataError, match="which='days' was not drawn; there are"):
        boot.plot("days")
    plt.close("all")


def test_pictures_of_draws_that_do_not_vary(sleep):
    pytest.importorskip("matplotlib").use("Agg")
    import matplotlib.pyplot as plt

    same = bootstrap(sleep, 3, rng=1, statistic=lambda r: [r.nobs, np.nan])
    first, second = same.plot().axes
    assert sum(patch.get_height() for patch in first.patches) == 3
    assert not any(patch.get_height() for patch in second.patches)
    plt.close("all")


def test_bca_refuses_conditional_draws(sleep):
    boot = bootstrap(sleep, 10, rng=1, random="conditional")
    with pytest.raises(DataError, match="leaving out clusters"):
        boot.conf_int(method="bca")


def test_crossed_factors_need_a_cluster(crossed):
    with pytest.raises(DataError, match="'plate', 'sample' are crossed"):
        bootstrap(crossed, 5, "case")
    boot = bootstrap(crossed, 20, "parametric", rng=1, cluster="sample")
    assert len(boot.jackknife) == 6
    with pytest.raises(DataError, match="are crossed"):
        bootstrap(crossed, 5, rng=1).conf_int(method="bca")


def test_residuals_are_those_of_linear_models(herds):
    with pytest.raises(DataError, match="'parametric' or 'case'"):
        make_kind("residual", herds.fit_record)


def test_residual_needs_more_levels_than_effects():
    data = smm.datasets.load("sleepstudy")
    few = data[data.Subject.isin(data.Subject.unique()[:2])]
    res = smm.lmm("Reaction ~ 1 + (Days || Subject)", few).fit()
    with pytest.raises(IdentifiabilityError, match=r"'Subject'.*fewer directions"):
        bootstrap(res, 5, "residual")


def test_a_statistic_of_changing_length(sleep):
    lengths = iter([2, 2, 3, 2])
    boot = bootstrap(sleep, 3, rng=1, statistic=lambda r: np.ones(next(lengths)))
    assert boot.failures.index.tolist() == [1] and "3 numbers" in boot.failures[1]


def test_rows_must_be_there():
    data = smm.datasets.load("dyestuff")
    res = smm.lmm("Yield ~ 1 + (1 | Batch)", data).fit()
    res.remove_data()
    with pytest.raises(DataError, match="bootstrap"):
        bootstrap(res, 5)


@pytest.mark.slow
def test_a_thousand_draws_take_less_than_a_second(sleep):
    spent = []
    for _ in range(3):
        start = time.perf_counter()
        bootstrap(sleep, 1000, rng=1)
        spent.append(time.perf_counter() - start)
    assert min(spent) < 1.0
