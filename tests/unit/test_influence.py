"""Influence: dense algebra, refits, all kinds of fits, and bad input."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf

import statsmodels_mixed as smm
from statsmodels_mixed.diagnostics.deletion import delete_groups
from statsmodels_mixed.diagnostics.influence import deletion_groups
from statsmodels_mixed.diagnostics.working import WorkingRows, working_rows
from statsmodels_mixed.errors import DataError, MixedModelWarning
from statsmodels_mixed.fitting import GaussianModel
from statsmodels_mixed.inference.bootstrap.resampling import Clusters, without_level


@pytest.fixture(scope="module")
def sleep():
    return smm.datasets.load("sleepstudy")


@pytest.fixture(scope="module")
def crossed():
    """Two crossed factors, a slope, weights, an aliased column, unequal groups."""
    rng = np.random.default_rng(8)
    n = 90
    data = pd.DataFrame(
        {
            "a": rng.integers(7, size=n).astype(str),
            "b": rng.integers(5, size=n).astype(str),
            "x": rng.normal(size=n),
            "w": rng.uniform(0.5, 2.0, size=n),
        }
    )
    data["x2"] = 2.0 * data.x
    b = rng.normal(size=(7, 2))[data.a.astype(int)]
    own = rng.normal(size=5)[data.b.astype(int)]
    data["y"] = 1.0 + b[:, 0] + (1.0 + b[:, 1]) * data.x + own + rng.normal(size=n)
    formula = "y ~ x + x2 + (x | a) + (1 | b)"
    with pytest.warns(MixedModelWarning):
        return data, smm.lmm(formula, data, weights="w").fit()


def _dense(data, res):
    """X, Z Sigma Z' + R relative to sigma^2, and the response."""
    x = np.column_stack([np.ones(len(data)), data.x])
    v = np.diag(1.0 / data.w)
    for group, effects in (("a", x), ("b", np.ones((len(data), 1)))):
        cov = np.asarray(res.cov_re[group]) / res.scale
        same = data[group].to_numpy()[:, None] == data[group].to_numpy()
        v += same * (effects @ cov @ effects.T)
    return x, v, data.y.to_numpy()


def _gls(x, v, y):
    inverse = np.linalg.inv(v)
    precision = x.T @ inverse @ x
    beta = np.linalg.solve(precision, x.T @ inverse @ y)
    r = y - x @ beta
    return beta, precision, r @ inverse @ r


def test_leverages_are_the_hat_matrix(crossed):
    data, res = crossed
    x, v, _ = _dense(data, res)
    inverse = np.linalg.inv(v)
    p = inverse - inverse @ x @ np.linalg.solve(x.T @ inverse @ x, x.T @ inverse)
    hat = np.eye(len(data)) - np.diag(1.0 / data.w) @ p
    found = res.influence("row", variances=False)
    assert np.allclose(found.hat_diag, np.diag(hat), atol=1e-10)
    grouped = res.influence("a", variances=False).hat_diag
    expected = pd.Series(np.diag(hat)).groupby(data.a.to_numpy()).sum()
    assert np.allclose(grouped, expected, atol=1e-10)


@pytest.mark.parametrize("by", ["a", "b", "row", "labels"])
def test_deletion_at_fixed_variances_is_exact(crossed, by):
    data, res = crossed
    labels = {"row": np.arange(len(data)), "labels": np.arange(len(data)) % 4}
    labels = labels.get(by, data.get(by))
    x, v, y = _dense(data, res)
    found = res.influence(by if by != "labels" else labels, variances=False)
    for i, level in enumerate(np.unique(labels)):
        keep = np.asarray(labels) != level
        beta, precision, r2 = _gls(x[keep], v[np.ix_(keep, keep)], y[keep])
        scale = r2 / (keep.sum() - 2)
        assert np.allclose(found.params.iloc[i], beta, atol=1e-9)
        se = np.sqrt(scale * np.diag(np.linalg.inv(precision)))
        assert np.allclose(found.bse.iloc[i], se, rtol=1e-8)
        full = np.linalg.slogdet(found.cov)[1]
        own = -np.linalg.slogdet(precision / scale)[1] - full
        assert found.log_covratio.iloc[i] == pytest.approx(own, abs=1e-8)


@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize("by", ["a", "b"])
@pytest.mark.parametrize("formula", ["y ~ x + (x | a)", "y ~ x + (x | a) + (1 | b)"])
def test_gradients_are_those_of_the_other_rows(crossed, formula, by, reml, monkeypatch):
    """The deviance of the rows that are left, in the relative covariances."""
    data, _ = crossed
    fit = smm.lmm(formula, data, weights="w").fit(reml=reml).fit_record
    seen, curved = [], WorkingRows.curved

    def watched(self, gradients, *rest):
        if np.ndim(rest[-1]):
            seen.append((gradients, rest[-1]))
        return curved(self, gradients, *rest)

    monkeypatch.setattr(WorkingRows, "curved", watched)
    grouping = deletion_groups(fit.design, data[by])
    delete_groups(working_rows(fit), grouping)
    found = {
        int(n): [g[i] for g in gradients]
        for gradients, counts in seen
        for i, n in enumerate(counts)
    }
    counts, times = np.unique(grouping.counts, return_counts=True)
    level = int(np.flatnonzero(grouping.counts == counts[times == 1][0])[0])
    model = GaussianModel(without_level(Clusters(fit.design, grouping), level))
    theta = model.internal_theta(fit.relative_covariances)
    other = model.objective(reml).evaluate(theta).covariance_gradient
    for t, (own, expected) in enumerate(
        zip(found[int(grouping.counts[level])], other, strict=True)
    ):
        ours = np.linalg.inv(fit.model.coordinates.maps[t])
        theirs = np.linalg.inv(model.coordinates.maps[t])
        scale = np.abs(theirs.T @ expected @ theirs).max()
        assert np.allclose(
            ours.T @ own @ ours, theirs.T @ expected @ theirs, atol=1e-7 * scale
        )


def test_one_step_is_near_the_refits(sleep):
    data = sleep.iloc[np.r_[0:55, 60:100, 103:150, 155:180]]
    res = smm.lmm("Reaction ~ Days + (Days | Subject)", data).fit()
    step, exact = res.influence(), res.influence(exact=True)
    assert exact.exact and not step.exact
    change = exact.variance_change.abs().max()
    assert ((step.variances - exact.variances).abs().max() < 0.1 * change).all()
    assert (step.params - exact.params).abs().max().max() < 0.12 * (
        exact.dfbeta.abs().max().max()
    )
    assert (step.log_covratio - exact.log_covratio).abs().max() < 0.03


def test_standard_errors_follow_the_variances(sleep):
    """Without the slowest subject variances fall, and with them standard errors."""
    res = smm.lmm("Reaction ~ Days + (Days | Subject)", sleep).fit()
    fixed = res.influence(variances=False).covratio
    step, exact = res.influence().covratio, res.influence(exact=True).covratio
    assert fixed["309"] > 1.0 > exact["309"]
    assert step["309"] == pytest.approx(exact["309"], rel=0.03)


@pytest.mark.parametrize(
    "how", [{}, {"nagq": 0}, {"nagq": 5}, {"method": "pql"}, {"method": "mcml"}]
)
def test_generalized_models(how):
    data = smm.datasets.load("cbpp")
    formula = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
    res = smm.glmm(formula, data, family="binomial").fit(**how)
    # refits by Monte Carlo would take long
    refits = res if how.get("method") != "mcml" else res.model.fit()
    step, exact = res.influence(), refits.influence(exact=True)
    size = exact.dfbeta.abs().max().max()
    assert (step.params - exact.params).abs().max().max() < 0.15 * size
    sd = "sd_Intercept|herd"
    assert np.corrcoef(step.variances[sd], exact.variances[sd])[0, 1] > 0.98
    assert np.corrcoef(step.cooks_distance, exact.cooks_distance)[0, 1] > 0.98


def test_an_estimated_dispersion_is_not_moved(sleep):
    data = sleep.assign(y=sleep.Reaction / 100)
    family = smm.families.Gamma("log")
    res = smm.glmm("y ~ Days + (1 | Subject)", data, family=family).fit()
    found = res.influence()
    assert found.variances["dispersion"].isna().all()
    assert found.variances["sd_Intercept|Subject"].notna().all()


def test_a_variance_of_zero_stays():
    data = smm.datasets.load("dyestuff2")
    res = smm.lmm("Yield ~ 1 + (1 | Batch)", data).fit()
    found = res.influence()
    assert np.allclose(found.variances["sd_Intercept|Batch"], 0.0, atol=1e-6)
    exact = res.influence(exact=True)
    assert np.allclose(found.variances["sigma"], exact.variances["sigma"], rtol=1e-8)


def test_groups_that_share_columns_of_a_solution(sleep):
    """Rows of one subject meet its random effects only; each alone agrees."""
    res = smm.lmm("Reaction ~ Days + (Days | Subject)", sleep).fit()
    rows = res.influence("row")
    labels = np.where(np.arange(180) == 57, "one", "rest")
    with pytest.warns(MixedModelWarning, match="without rest"):
        alone = res.influence(labels)
    assert np.allclose(rows.params.iloc[57], alone.params.loc["one"], rtol=1e-10)
    assert np.allclose(rows.variances.iloc[57], alone.variances.loc["one"], rtol=1e-8)
    quick = res.influence("row", variances=False)
    assert np.allclose(rows.params, quick.params, rtol=1e-11)
    assert quick.variances.isna().all().all()


def test_no_fixed_effects(sleep):
    found = smm.lmm("Reaction ~ 0 + (Days | Subject)", sleep).fit().influence()
    assert found.params.shape == (18, 0)
    assert (found.cooks_distance == 0).all()
    assert found.variances.notna().all().all()


def test_without_random_effects_it_is_that_of_least_squares(sleep):
    res = smm.lmm("Reaction ~ Days", sleep).fit()
    found = res.influence("row")
    ols = smf.ols("Reaction ~ Days", sleep).fit().get_influence()
    assert np.allclose(found.hat_diag, ols.hat_matrix_diag, rtol=1e-10)
    assert np.allclose(found.dfbeta, ols.dfbeta, rtol=1e-8, atol=1e-12)
    assert np.allclose(found.cooks_distance, ols.cooks_distance[0], rtol=1e-8)
    assert np.allclose(found.rows.cooks_conditional, ols.cooks_distance[0], rtol=1e-8)
    assert np.allclose(found.covratio, ols.cov_ratio, rtol=1e-8)
    sigma = np.sqrt(ols.sigma2_not_obsi)
    assert np.allclose(found.variances["sigma"], sigma, rtol=1e-8)
    grouped = res.influence(np.arange(180) % 3)
    keep = np.arange(180) % 3 != 0
    left = smf.ols("Reaction ~ Days", sleep[keep]).fit()
    assert np.allclose(grouped.params.iloc[0], left.params)
    assert np.allclose(grouped.bse.iloc[0], left.bse)
    with pytest.raises(DataError, match="by='row'"):
        res.influence()


def test_groups_that_determine_an_effect_alone(sleep):
    data = sleep.assign(only=(sleep.Subject == "308").astype(float))
    res = smm.lmm("Reaction ~ Days + only + (1 | Subject)", data).fit()
    for exact in (False, True):
        with pytest.warns(MixedModelWarning, match="No estimates without 308"):
            found = res.influence(exact=exact)
        assert list(found.failures.index) == ["308"]
        assert found.params.loc["308"].isna().all()
        assert found.params.drop("308").notna().all().all()
        assert "No estimates without 1" in repr(found)


def test_summary_frame_and_repr(sleep):
    found = smm.lmm("Reaction ~ Days + (1 | Subject)", sleep).fit().influence()
    frame = found.summary_frame()
    assert list(frame)[:6] == [
        "n_rows",
        "hat_diag",
        "cooks_d",
        "covratio",
        "dfb_Intercept",
        "dfb_Days",
    ]
    assert frame.index.name == "Subject"
    assert "18 groups (Subject), one step" in repr(found)
    with pytest.raises(DataError, match="cooks_d"):
        found.measure("cook")


def test_working_rows_reproduce_the_fit(crossed):
    data, res = crossed
    rows = working_rows(res.fit_record)
    assert np.allclose(rows.resid, res.resid * np.sqrt(data.w), atol=1e-10)
    marginal = (data.y - res.fitted_marginal) * np.sqrt(data.w)
    assert np.allclose(rows.marginal_resid, marginal, atol=1e-6)


def test_bad_input(crossed, sleep):
    _, res = crossed
    with pytest.raises(DataError, match="crossed"):
        res.influence()
    with pytest.raises(DataError, match="'a' or 'b' or 'row'"):
        res.influence("Subject")
    with pytest.raises(DataError, match="one label per row"):
        res.influence(np.ones(3))
    with pytest.raises(DataError, match="nothing is left"):
        res.influence(np.ones(90))


def test_after_remove_data(sleep):
    res = smm.lmm("Reaction ~ Days + (1 | Subject)", sleep).fit()
    res.remove_data()
    with pytest.raises(DataError, match="remove_data"):
        res.influence()


def test_repr_fits_a_terminal(sleep):
    found = smm.lmm("Reaction ~ Days + (Days | Subject)", sleep).fit().influence()
    text = repr(found)
    lines = text.splitlines()
    assert max(map(len, lines)) <= 80 and "summary_frame()" in lines[-1]
    assert "change_" not in text and "hat_diag" not in text
    head = "n_rows", "cooks_d", "covratio", "dfb_Intercept", "dfb_Days"
    assert tuple(lines[1].split()) == head
    worst = found.cooks_distance.idxmax()
    row = found.summary_frame().loc[worst, list(head)]
    figures = [f"{value:.4f}" for value in row[1:]]
    assert lines[3].split() == [worst, str(found.n_rows[worst]), *figures]


def test_repr_folds_many_effects(sleep):
    res = smm.lmm("Reaction ~ C(Days) + (1 | Subject)", sleep).fit()
    text = repr(res.influence())
    assert max(map(len, text.splitlines())) <= 80
    assert all(f"dfb_{name}" in text for name in res.params.index if name in res.bse)
