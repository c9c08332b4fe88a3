"""Power by simulation: tests, designs of other sizes, assumed parameters."""

import sys

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import statsmodels_mixed as smm
from statsmodels_mixed.errors import DataError, IdentifiabilityError
from statsmodels_mixed.inference.bootstrap.power_tests import TESTS
from statsmodels_mixed.inference.bootstrap.replicates import run_chunks
from statsmodels_mixed.inference.bootstrap.truth import truth_of
from statsmodels_mixed.power import Power, power
from statsmodels_mixed.simulation import simulate_responses

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")

SLOPES = "Reaction ~ Days + (Days | Subject)"
DESIGN = pd.DataFrame(
    {
        "g": np.repeat(np.arange(16), 4),
        "time": np.tile(np.arange(4.0), 16),
        "arm": np.repeat(np.arange(16) % 2, 4),
    }
)
FORMULA = "y ~ time * arm + (1 | g)"
ASSUMED = {"Intercept": 1.0, "time": 0.2, "arm": 0.0, "time:arm": 0.3}
PARTS = {"params": ASSUMED, "covariances": [[[1.5]]], "sigma": 1.0}


@pytest.fixture(scope="module")
def sleep():
    return smm.lmm(SLOPES, smm.datasets.load("sleepstudy")).fit()


@pytest.fixture(scope="module")
def counts():
    rng = np.random.default_rng(3)
    frame = DESIGN.assign(y=rng.poisson(2.0, len(DESIGN)))
    return smm.glmm("y ~ time + arm + (1 | g)", frame, "poisson").fit()


def truth(res):
    fit = res.fit_record
    return truth_of(
        res.model.engine,
        beta=fit.beta,
        covariances=fit.covariances,
        sigma2=float(fit.sigma2),
        reml=fit.reml,
    )


def stream_of(n, seed):
    """The generator that `n` simulations, of one chunk, are made with."""
    rng = np.random.default_rng(seed)
    ((stream,), _) = run_chunks(lambda own, count: own, n, n, rng)
    return stream


def exact_power(res, effect, n, alpha=0.05):
    """Of the slope in balanced data: Student's t of n - 1 degrees of freedom."""
    fit = res.fit_record
    days = np.arange(10.0)
    variance = fit.covariances[0][1, 1] + fit.sigma2 / ((days - 4.5) ** 2).sum()
    shift, bound = effect / np.sqrt(variance / n), stats.t.isf(alpha / 2, n - 1)
    upper = stats.nct.sf(bound, n - 1, shift)
    return upper + stats.nct.cdf(-bound, n - 1, shift)


# ---- figures ----------------------------------------------------------------------


def test_power_in_balanced_data_is_exact(sleep):
    found = power(sleep, {"Days": 4.0}, 1500, {"Subject": [9, 18, 36]}, rng=2).table
    np.testing.assert_allclose(found.df, [8, 17, 35], rtol=0.03)
    expected = [exact_power(sleep, 4.0, n) for n in (9, 18, 36)]
    error = np.sqrt(found.power * (1 - found.power) / 1500)
    assert (np.abs(found.power - expected) < 4 * error).all()


@pytest.mark.parametrize("test", ["wald", "lrt"])
def test_size_under_the_null_hypothesis(sleep, test):
    (row,) = power(sleep, {"Days": 0.0}, 1000, test=test, rng=1).table.itertuples()
    # the likelihood-ratio test rejects too often with 18 subjects
    assert abs(row.power - (0.05 if test == "wald" else 0.06)) < 0.022
    assert (row.value, row.n_sim, row.n_failed) == (0.0, 1000, 0)


def test_intervals_are_wilsons(sleep):
    (row,) = power(sleep, {"Days": 3.0}, 200, rng=1).table.itertuples()
    z = stats.norm.ppf(0.975)
    middle = (row.power + z**2 / 400) / (1 + z**2 / 200)
    half = z * np.sqrt(row.power * (1 - row.power) / 200 + z**2 / 4 / 200**2)
    half /= 1 + z**2 / 200
    np.testing.assert_allclose([row.lower, row.upper], [middle - half, middle + half])


def test_alpha(sleep):
    few, many = (
        power(sleep, {"Days": 3.0}, 300, alpha=a, rng=1).table.power[0]
        for a in (0.01, 0.2)
    )
    assert few < many
    assert few == pytest.approx(exact_power(sleep, 3.0, 18, 0.01), abs=0.1)


# ---- tests ------------------------------------------------------------------------


def pvalues(res, test, y, df_method="satterthwaite", places=(1,)):
    way = TESTS[test](
        truth(res), res.options, np.array(places), df_method, np.random.default_rng(0)
    )
    p, df = np.split(way.pvalues(y).values, 2, axis=1)
    assert p.shape == df.shape
    return way, p


def test_wald_tests_are_those_of_the_results(sleep):
    y = simulate_responses(sleep.fit_record, 4, rng=5)
    refits = [sleep.refit(column) for column in y.T]
    way, found = pvalues(sleep, "wald", y)
    assert way.df[0] == pytest.approx(17, rel=0.02)
    t = np.array([r.params["Days"] / r.bse["Days"] for r in refits])
    np.testing.assert_allclose(found[:, 0], 2 * stats.t.sf(np.abs(t), way.df), 1e-5)
    for name in ("satterthwaite", "kenward-roger"):
        _, each = pvalues(sleep, "wald-each", y, name)
        for i, refit in enumerate(refits):
            test = refit.fixed_tests(name).f_test(np.array([[0.0, 1.0]]))
            assert each[i, 0] == pytest.approx(test.pvalue, rel=1e-5)


def test_likelihood_ratio_tests_are_those_of_the_results(sleep):
    data = smm.datasets.load("sleepstudy")
    y = simulate_responses(sleep.fit_record, 2, rng=5)
    _, found = pvalues(sleep, "lrt", y)
    for i in range(2):
        frame = data.assign(Reaction=y[:, i])
        full = smm.lmm(SLOPES, frame).fit(reml=False)
        less = smm.lmm("Reaction ~ 1 + (Days | Subject)", frame).fit(reml=False)
        expected = full.compare_lr_test(less)[1]
        assert found[i, 0] == pytest.approx(expected, rel=1e-5)


def test_generalized_models(counts):
    y = simulate_responses(counts.fit_record, 3, rng=5)
    _, found = pvalues(counts, "wald", y, "normal", (1, 2))
    _, ratio = pvalues(counts, "lrt", y, None, (2,))
    for i in range(3):
        res = counts.refit(y[:, i])
        np.testing.assert_allclose(found[i], res.pvalues.iloc[1:], rtol=1e-5)
        frame = DESIGN.assign(y=y[:, i])
        less = smm.glmm("y ~ time + (1 | g)", frame, "poisson").fit()
        statistic = 2 * (res.llf - less.llf)
        assert ratio[i, 0] == pytest.approx(stats.chi2.sf(statistic, 1), rel=1e-3)
    table = power(counts, {"time": 0.3}, 20, rng=1).table
    assert table.df[0] == np.inf and table.power[0] > 0.5


# ---- designs ----------------------------------------------------------------------


def test_more_levels_are_copies_of_those_there_are(sleep):
    found = power(sleep, ["Days"], 20, {"Subject": [18, 40]}, rng=1).table
    assert found.n.tolist() == [18, 40] and (found.factor == "Subject").all()
    # the same levels: the same as without `along`, but for the draws
    again = power(sleep, ["Days"], 20, rng=1).table
    assert again.drop(columns="df").equals(found[:1].drop(columns="df"))


def test_rows_within_levels(sleep):
    # the first 4 days of each subject; all of them twice
    found = power(sleep, {"Days": 5.0}, 200, {"within Subject": [4, 20]}, rng=1).table
    assert found.factor.tolist() == ["within Subject"] * 2
    assert found.power[0] + 0.1 < found.power[1]


def test_results_and_parameters_agree(sleep):
    data = smm.datasets.load("sleepstudy")
    fit = sleep.fit_record
    parts = {
        "params": sleep.params,
        "covariances": fit.covariances,
        "sigma": sleep.sigma,
    }
    of_results = power(sleep, {"Days": 3.0}, 50, rng=1).table
    model = smm.lmm(SLOPES, data.assign(Reaction=np.arange(180.0) ** 2))
    frame = data.drop(columns="Reaction")
    for given in ({"model": model}, {"model": SLOPES, "data": frame}):
        found = power(**given, effects={"Days": 3.0}, n_sim=50, rng=1, **parts).table
        pd.testing.assert_frame_equal(found, of_results, rtol=1e-6)


def test_a_design_without_a_response():
    def centred(x):  # names of the caller are known
        return x - 1.5

    formula = FORMULA.replace("time", "centred(time)")
    params = {k.replace("time", "centred(time)"): v for k, v in ASSUMED.items()}
    parts = PARTS | {"params": params}
    found = power(formula, "centred(time):arm", 100, data=DESIGN, rng=1, **parts).table
    other = power(FORMULA, ["time:arm"], 100, data=DESIGN, rng=1, **PARTS).table
    assert found.power[0] == other.power[0]  # interactions do not depend on the centre
    assert "y" not in DESIGN


@pytest.mark.parametrize(
    ("family", "extra"),
    [("binomial", {}), ("poisson", {}), ("gamma", {"dispersion": 0.5})],
)
def test_families_without_a_response(family, extra):
    family = smm.families.Gamma("log") if family == "gamma" else family
    found = power(
        FORMULA,
        {"time": 1.2},
        24,
        data=DESIGN,
        family=family,
        params=ASSUMED | {"Intercept": -1.5},
        covariances=[[[0.3]]],
        rng=1,
        **extra,
    ).table
    assert found.power[0] > 0.5


# ---- reproducibility, failures ----------------------------------------------------


def test_seeds_and_processes(sleep):
    pytest.importorskip("joblib")
    arguments = {"along": {"Subject": [9, 18]}, "n_sim": 600}
    first, again, two = (
        power(sleep, {"Days": 3.0}, rng=4, n_jobs=n, **arguments) for n in (1, 1, 2)
    )
    pd.testing.assert_frame_equal(first.table, again.table)
    pd.testing.assert_frame_equal(first.table, two.table)
    other = power(sleep, {"Days": 3.0}, rng=5, **arguments)
    assert not first.table.power.equals(other.table.power)


def test_interruption(sleep, monkeypatch):
    module, calls = sys.modules[power.__module__], []

    def impatient(*args, **kwds):
        calls.append(args)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return simulate_responses(*args, **kwds)

    monkeypatch.setattr(module, "simulate_responses", impatient)
    found = power(sleep, ["Days"], 1000, {"Subject": [10, 20, 30]}, rng=1)
    assert found.interrupted and "interrupted" in repr(found)
    assert found.table.n.tolist() == [10, 20]
    assert found.table.n_sim.tolist() == [1000, 500]


def test_fits_that_fail_are_not_significant(sleep, monkeypatch):
    wald = TESTS["wald"]

    class Broken(wald):
        def pvalues(self, endog):
            endog[:, :3] = 1.0  # constant
            return super().pvalues(endog)

    monkeypatch.setitem(TESTS, "wald", Broken)
    (row,) = power(sleep, {"Days": 100.0}, 20, rng=1).table.itertuples()
    assert (row.n_failed, row.power) == (3, 17 / 20)


def test_the_table_is_shown(sleep):
    found = power(sleep, {"Days": 3.0}, 20, rng=1)
    assert isinstance(found, Power)
    assert "alpha = 0.05: Wald test, df_method='satterthwaite' (once)" in repr(found)
    assert "n_failed" in repr(found)
    each = power(sleep, ["Days"], 5, test="Wald-each", df_method="kr", rng=1)
    assert "'kenward-roger' (for each fit)" in repr(each)
    assert each.table.df[0] == pytest.approx(17, rel=1e-3)
    ratio = power(sleep, ["Days"], 5, test="lrt", rng=1)
    assert "likelihood-ratio test" in repr(ratio)
    assert np.isnan(ratio.table.df[0])


def test_degrees_of_freedom_of_each_fit_are_summarised(sleep):
    found = power(sleep, ["Intercept", "Days"], 7, test="wald-each", rng=1)
    y = simulate_responses(truth(sleep), 7, rng=stream_of(7, 1))
    dfs = [sleep.refit(column).fixed_tests().df(np.eye(2)) for column in y.T]
    np.testing.assert_allclose(found.table.df, np.median(dfs, axis=0), rtol=1e-4)


def test_several_values_of_an_effect(sleep):
    values = [1, 2.0, 6]
    effects = {"Days": values, "Intercept": 0.0}
    found = power(sleep, effects, 300, {"Subject": [9, 18]}, rng=1).table
    days = found[found.effect == "Days"]
    assert days.value.tolist() == values * 2 and days.n.tolist() == [9] * 3 + [18] * 3
    assert (found[found.effect == "Intercept"].value == 0).all()
    expected = [exact_power(sleep, v, n) for n in (9, 18) for v in values]
    np.testing.assert_allclose(days.power, expected, atol=4 * 0.5 / np.sqrt(300))
    # the first is what it is alone
    alone = power(sleep, {"Days": 1}, 300, {"Subject": 9}, rng=1).table
    first = power(sleep, {"Days": values}, 300, {"Subject": 9}, rng=1).table[:1]
    pd.testing.assert_frame_equal(alone, first)
    unfitted = power(FORMULA, {"time": [0.0, 3.0]}, 20, data=DESIGN, rng=1, **PARTS)
    assert unfitted.table.power.diff()[1] > 0.5


def test_pictures(sleep):
    import matplotlib.pyplot as plt

    both = ["Intercept", "Days"]
    curve = power(sleep, both, 10, {"Subject": [6, 12, 18]}, rng=1).plot()
    (ax,) = curve.axes
    assert ax.get_xlabel() == "levels of Subject" and ax.get_ylabel() == "power"
    lines = {line.get_label() for line in ax.containers}
    assert lines == set(both)
    assert [t.get_text() for t in ax.get_legend().get_texts()] == both
    _, own = plt.subplots()
    points = power(sleep, both, 10, rng=1).plot(target=None, ax=own)
    assert points is own.figure
    assert [t.get_text() for t in own.get_xticklabels()] == both
    within = power(sleep, {"Days": 3}, 10, {"within Subject": [5, 9]}, alpha=0.1, rng=1)
    (ax,) = within.plot().axes
    assert ax.get_xlabel() == "rows within Subject" and ax.get_legend() is None
    assert ax.get_title() == "Days = 3, alpha 0.1, 10 simulations"
    plt.close("all")


def test_pictures_over_values(sleep):
    import matplotlib.pyplot as plt

    found = power(sleep, {"Days": [1, 2, 4]}, 10, rng=1)
    (ax,) = found.plot().axes
    assert ax.get_xlabel() == "effect of Days" and ax.get_legend() is None
    assert ax.get_title() == "alpha 0.05, 10 simulations"
    (bars,) = ax.containers
    assert bars.lines[0].get_xdata().tolist() == [1, 2, 4]
    effects = {"Days": [1, 2], "Intercept": 3.0}
    (ax,) = power(sleep, effects, 10, {"Subject": [9, 18]}, rng=1).plot().axes
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["9", "18"]
    assert ax.get_legend().get_title().get_text() == "levels of Subject"
    plt.close("all")


# ---- refusals ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"effects": {"Day": 1.0}}, "effects: 'Day' is no fixed effect; .*Days"),
        ({"effects": ["Days", "Days"]}, "each effect once"),
        ({"params": {"Day": 1.0}}, "params: 'Day' is no fixed effect"),
        ({"n_sim": 0}, "n_sim=0"),
        ({"alpha": 5}, "alpha=5"),
        ({"test": "score"}, "test='score'"),
        ({"df_method": "kr"}, "use it with test='wald-each'"),
        ({"df_method": "guess"}, "df_method='guess'"),
        ({"sigma": -1.0}, "sigma=-1.0: give a positive"),
        ({"dispersion": 1.0}, "dispersion= is no parameter"),
        ({"covariances": [[[1.0]]]}, "covariances= takes one .* of sizes .2."),
        ({"along": {"Day": [3]}}, "along= takes .* 'Subject', .*'Day' is none"),
        ({"along": {3: [3]}}, "along= takes .*'within Subject'; 3 is none"),
        ({"along": {"Subject": "ten"}}, r"along\['Subject'\]=.*whole number"),
        ({"effects": 3.0}, "effects=3.0: name the fixed effects"),
        ({"effects": []}, r"effects=\[\]: name"),
        ({"effects": [3.0]}, r"effects=\[3.0\]: name"),
        ({"effects": {"Days": "3"}}, r"effects\['Days'\]='3': give a number"),
        ({"effects": {"Days": [1, None]}}, r"effects\['Days'\]=None: give a number"),
        ({"effects": {"Days": []}}, r"effects\['Days'\] is empty"),
        ({"effects": {"Days": [1], "Intercept": [2]}}, "one effect at a time"),
        ({"params": 3.0}, "params=3.0: give a dict or Series"),
        ({"params": {"Days": "x"}}, r"params\['Days'\]='x'"),
        ({"alpha": "5%"}, "alpha='5%': give a number"),
        ({"sigma": "25"}, "sigma='25': give a number"),
        ({"along": [3]}, "a dict of one entry"),
        ({"along": {"Subject": [0]}}, r"along\['Subject'\]=np.int64\(0\)|=0"),
    ],
)
def test_bad_arguments(sleep, arguments, match):
    with pytest.raises(DataError, match=match):
        power(sleep, **{"effects": ["Days"], "n_sim": 5, **arguments})


@pytest.mark.parametrize(
    ("drop", "match"),
    [
        ("params", "params= has no value for Intercept, "),
        ("covariances", r"one covariance matrix .* per term, \(1 \| g\)"),
        ("sigma", "sigma= is needed"),
    ],
)
def test_missing_parameters(drop, match):
    given = {name: value for name, value in PARTS.items() if name != drop}
    with pytest.raises(DataError, match=match):
        power(FORMULA, ["time"], 5, data=DESIGN, **given)


def test_formulas_that_cannot_be_simulated():
    with pytest.raises(DataError, match="A formula needs data="):
        power(FORMULA, ["time"], 5)
    with pytest.raises(DataError, match="must be a plain name"):
        power("np.log(y) ~ time + (1 | g)", ["time"], 5, data=DESIGN, **PARTS)
    with pytest.raises(DataError, match="takes results, a model, or a formula"):
        power(DESIGN, ["time"], 5)


def test_poisson_has_neither_sigma_nor_dispersion(counts):
    for name in ("sigma", "dispersion"):
        with pytest.raises(DataError, match=f"{name}= is no parameter"):
            power(counts, ["time"], 5, **{name: 1.0})
    with pytest.raises(DataError, match="defined for linear mixed models"):
        power(counts, ["time"], 5, df_method="satterthwaite")


def test_a_model_without_random_effects():
    res = smm.lmm("y ~ arm", DESIGN.assign(y=np.arange(64.0) ** 2)).fit()
    (row,) = power(res, {"arm": 2000.0}, 200, rng=1).table.itertuples()
    assert (row.factor, row.n, row.df) == ("rows", 64, pytest.approx(62))
    shift = 2000.0 / res.bse["arm"]
    expected = stats.nct.sf(stats.t.isf(0.025, 62), 62, shift)
    assert abs(row.power - expected) < 0.12
    with pytest.raises(DataError, match="no random effects"):
        power(res, ["arm"], 5, {"g": [5]})


def test_designs_that_are_too_small(sleep):
    with pytest.raises(IdentifiabilityError, match="With 1 of 'within Subject': "):
        power(sleep, ["Days"], 5, {"within Subject": [1]})
    late = DESIGN.assign(arm=DESIGN.g // 8)
    with pytest.raises(IdentifiabilityError, match=r"With 8 of 'g': .*combinations"):
        power(FORMULA, ["time"], 5, {"g": [8]}, data=late, **PARTS)


def test_lrt_needs_a_likelihood(counts):
    res = counts.model.fit(method="pql")
    with pytest.raises(DataError, match="pql"):
        power(res, ["time"], 5, test="lrt")
    assert power(res, ["time"], 5, rng=1).table.n_sim[0] == 5
