"""Simulated residuals and their tests against DHARMa, from the same simulations."""

import gzip
import json
from dataclasses import replace

import numpy as np
import pytest

from statsmodels_mixed.diagnostics.quantile_residuals import SimulatedResiduals
from statsmodels_mixed.diagnostics.residual_tests import uniformity_test
from statsmodels_mixed.diagnostics.serial import durbin_watson_test

from .loader import HERE, table

with gzip.open(HERE / "gold_dharma.json.gz", "rt", encoding="utf-8") as file:
    GOLDS = json.load(file)
DATA = {
    "grouseticks": "grouseticks",
    "sal_pois": "salamanders",
    "sal_zinb2": "salamanders",
    "sleep": "sleepstudy",
}
SMALL = json.loads((HERE / "small_residual_tests.json").read_text(encoding="utf-8"))
ALTERNATIVES = ("two-sided", "greater", "less")

on_every_gold = pytest.mark.parametrize("name", sorted(GOLDS))


@pytest.fixture(scope="module")
def computed():
    """Ours from the stored simulations, and the same with the residuals R drew."""
    out = {}
    for name, gold in GOLDS.items():
        path = HERE / "dharma" / f"dharma_{name}_sims.csv.gz"
        ours = SimulatedResiduals.from_simulations(
            np.loadtxt(path, delimiter=","),
            gold["observed"],
            gold["fittedPredicted"],
            rng=1,
        )
        drawn = np.array(gold["scaledResiduals"])
        out[name] = ours, replace(ours, residuals=drawn)
    return out


def column(name, variable):
    return table(DATA[name])[variable].astype(str).to_numpy()


def statistic(record):
    (value,) = record["statistic"].values()
    return np.nan if value is None else value


def agrees(test, record, tol=1e-9):
    expected = statistic(record)
    assert test.statistic == pytest.approx(expected, rel=1e-12, nan_ok=True)
    assert test.pvalue == pytest.approx(record["p.value"], abs=tol)


def left_out_by_r(d, n):
    """What R's series for the Kolmogorov distribution leaves out.

    Below ``sqrt(n) d = 1`` it stops after the first term, ``exp(-pi^2 / 8 z^2)``; the
    next one is as large as 4e-5.
    """
    z = np.sqrt(n) * d
    if z >= 1.0:
        return 0.0
    return np.sqrt(2 * np.pi) / z * np.exp(-9 * np.pi**2 / (8 * z**2))


def agrees_with_ks(test, record, n):
    assert test.statistic == pytest.approx(statistic(record), rel=1e-12)
    exact = record["method"].startswith("Exact")
    short = 0.0 if exact else left_out_by_r(test.statistic, n)
    assert test.pvalue + short == pytest.approx(record["p.value"], abs=1e-9)


@on_every_gold
def test_bounds_and_residuals(name, computed):
    ours, _ = computed[name]
    gold = GOLDS[name]
    assert ours.integer == gold["integerResponse"]
    np.testing.assert_allclose(ours.lower, gold["lower"], atol=1e-12, rtol=0)
    np.testing.assert_allclose(ours.upper, gold["upper"], atol=1e-12, rtol=0)
    inside = (ours.residuals >= ours.lower) & (ours.residuals <= ours.upper)
    assert inside.all()
    if not ours.integer:
        drawn = gold["scaledResiduals"]
        np.testing.assert_allclose(ours.residuals, drawn, atol=1e-12, rtol=0)


@on_every_gold
def test_uniformity(name, computed):
    _, drawn = computed[name]
    gold = GOLDS[name]
    agrees_with_ks(drawn.uniformity(), gold["uniformity"], drawn.nobs)
    agrees(drawn.uniformity("greater"), gold["uniformity_greater"])


@on_every_gold
def test_tests_by_simulation(name, computed):
    ours, _ = computed[name]
    gold = GOLDS[name]
    agrees(ours.dispersion(), gold["dispersion"])
    agrees(ours.dispersion("greater"), gold["dispersion_greater"])
    agrees(ours.zero_inflation(), gold["zeroInflation"])
    agrees(ours.generic(np.mean), gold["generic_mean"])
    agrees(ours.generic(np.max), gold["generic_max"])


@on_every_gold
def test_outliers(name, computed):
    _, drawn = computed[name]
    gold = GOLDS[name]
    agrees(drawn.outliers(method="binomial"), gold["outliers_binomial"])
    upper = drawn.outliers("upper", "binomial")
    agrees(upper, gold["outliers_binomial_upper"])
    # the p-value depends on R's resampling, the number does not
    bootstrap = drawn.outliers(method="bootstrap")
    expected = statistic(gold["outliers_bootstrap_seed1"])
    assert bootstrap.statistic == pytest.approx(expected, abs=1e-12)


@on_every_gold
def test_durbin_watson(name, computed):
    _, drawn = computed[name]
    agrees(drawn.temporal(np.arange(drawn.nobs)), GOLDS[name]["temporal_by_row"])


@on_every_gold
def test_levels(name, computed):
    _, drawn = computed[name]
    gold = GOLDS[name]["categorical"]
    found = drawn.categorical(column(name, gold["variable"]))
    rows = found.table.set_index("level").loc[gold["levels"]]
    labels = column(name, gold["variable"])
    parts = [drawn.residuals[labels == level] for level in rows.index]
    # for 100 values, or ties, R takes the asymptotic distribution
    asymptotic = [len(p) >= 100 or len(np.unique(p)) < len(p) for p in parts]
    pairs = zip(rows.statistic, rows.n, strict=True)
    short = np.array([left_out_by_r(*pair) for pair in pairs]) * asymptotic
    np.testing.assert_allclose(rows.pvalue + short, gold["p.value"], atol=1e-9)
    # Holm: at most as many times the same difference
    most = len(rows) * short.max() + 1e-9
    np.testing.assert_allclose(rows.corrected, gold["p.value.cor"], atol=most)
    levene = gold["levene"]["F value"][0], gold["levene"]["Pr(>F)"][0]
    np.testing.assert_allclose(found.homogeneity, levene, rtol=1e-9)


@on_every_gold
def test_sums_by_group(name, computed):
    ours, _ = computed[name]
    gold = GOLDS[name]["grouped"]
    summed = ours.aggregate(column(name, gold["variable"]), rng=1)
    order = [list(summed.labels).index(level) for level in gold["levels"]]
    np.testing.assert_allclose(summed.observed[order], gold["observed_sum"], rtol=1e-14)
    np.testing.assert_allclose(summed.lower[order], gold["lower"], atol=1e-12)
    np.testing.assert_allclose(summed.upper[order], gold["upper"], atol=1e-12)
    agrees(summed.dispersion(), gold["dispersion"])
    drawn = replace(summed, residuals=np.array(gold["scaledResiduals"]))
    agrees_with_ks(drawn.uniformity(), gold["uniformity"], drawn.nobs)


@on_every_gold
def test_quantiles_decide_as_qgam_does(name, computed):
    """Other p-values than qgam's: the same verdict where there is no doubt."""
    _, drawn = computed[name]
    expected, found = GOLDS[name]["quantiles_vs_pred"], drawn.quantiles()
    sure = (np.array(expected["pvals"]) < 1e-3) | (np.array(expected["pvals"]) > 0.1)
    theirs, ours = (np.array(p) < 0.05 for p in (expected["pvals"], found.table.pvalue))
    assert ours[sure].tolist() == theirs[sure].tolist()


@pytest.mark.parametrize("record", SMALL, ids=lambda r: f"n={len(r['x'])}")
def test_short_series(record):
    """Exact distributions, which R uses below 100 values."""
    x = np.array(record["x"])
    for i, alternative in enumerate(ALTERNATIVES):
        serial = durbin_watson_test(x, np.arange(len(x)), alternative)
        assert serial.statistic == pytest.approx(record["dw"][0], rel=1e-12)
        # Pan's algorithm is right to about 1e-8
        assert serial.pvalue == pytest.approx(record["dw_p"][i], abs=1e-7)
        uniform = uniformity_test(x, alternative)
        assert uniform.statistic == pytest.approx(record["ks"][i], rel=1e-12)
        assert uniform.pvalue == pytest.approx(record["ks_p"][i], abs=1e-12)
