"""From a design to a fit: starts, exact zeros, restarts, certificates, batches."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from reference.dense import numerical_gradient
from reference.designs import CASES, Case

from statsmodels_mixed.errors import DataError
from statsmodels_mixed.fitting import Convergence, FitOptions
from statsmodels_mixed.fitting.start import moment_start

CRITERIA = pytest.mark.parametrize("reml", [False, True], ids=["ml", "reml"])
EVERY = pytest.mark.parametrize("name", CASES)


def one_way(m=8, n=5, seed=0, spread=2.0):
    rng = np.random.default_rng(seed)
    codes = np.repeat(np.arange(m), n)
    y = 10.0 + spread * rng.standard_normal(m)[codes] + rng.standard_normal(m * n)
    return Case(y, np.ones((m * n, 1)), ((codes, None, "g", "us"),))


def two_way(a=7, b=6, seed=0, spread=1.5):
    rng = np.random.default_rng(seed)
    rows, cols = (x.ravel() for x in np.indices((a, b)))
    y = spread * (rng.standard_normal(a)[rows] + rng.standard_normal(b)[cols])
    y += rng.standard_normal(a * b)
    terms = ((rows, None, "row", "us"), (cols, None, "col", "us"))
    return Case(y, np.ones((a * b, 1)), terms)


def no_spread(m=8, n=5, seed=1):
    """Group means all equal: the variance between groups is zero, ML and REML."""
    case = one_way(m, n, seed, 0.0)
    y = case.y.reshape(m, n)
    return replace(case, y=(y - y.mean(axis=1, keepdims=True) + 3.0).ravel())


def one_direction(m=10, n=6, seed=2, slope=0.5):
    """Intercepts and slopes of the groups on one line: a correlation of one."""
    rng = np.random.default_rng(seed)
    codes = np.repeat(np.arange(m), n)
    x = np.tile(np.linspace(-1.0, 2.0, n), m)
    z = np.column_stack([np.ones(m * n), x])
    noise = rng.standard_normal((m, n))
    small = z[:n]
    noise -= noise @ small @ np.linalg.solve(small.T @ small, small.T)
    b = 2.0 * rng.standard_normal(m)
    y = 1.0 + 2.0 * x + b[codes] * (1.0 + slope * x) + noise.ravel()
    return Case(y, z, ((codes, z, "g", "us"),))


def deviance_at(fit, relative):
    """The criterion at other covariances, in the user's units."""
    theta = fit.model.internal_theta(relative)
    return float(fit.objective.evaluate(theta, derivatives=False).value)


# ---- starting values --------------------------------------------------------------


@pytest.mark.parametrize("case", [one_way(), two_way()], ids=["one way", "two way"])
def test_moments_are_reml_in_balanced_designs(case):
    fit = case.model().fit(True)
    assert fit.record.n_evaluations[0] == 1
    assert_allclose(fit.record.start[0], fit.evaluation.x, rtol=1e-7)
    assert fit.convergence.n_evaluations <= 2  # the certificate is one more
    assert fit.convergence.converged


def test_one_way_estimates_are_the_anova_table():
    m, n = 8, 5
    case = one_way(m, n)
    y = case.y.reshape(m, n)
    between = n * y.mean(axis=1).var(ddof=1)
    within = y.var(axis=1, ddof=1).mean()
    fit = case.model().fit(True)
    assert_allclose(fit.sigma2, within, rtol=1e-9)
    assert_allclose(fit.covariances[0], [[(between - within) / n]], rtol=1e-8)
    assert_allclose(fit.beta, [y.mean()], rtol=1e-12)
    assert_allclose(fit.cov_beta, [[between / (m * n)]], rtol=1e-8)


def test_two_way_estimates_are_the_anova_table():
    a, b = 7, 6
    case = two_way(a, b)
    y = case.y.reshape(a, b)
    row, col = y.mean(axis=1), y.mean(axis=0)
    rest = y - row[:, None] - col + y.mean()
    error = (rest**2).sum() / ((a - 1) * (b - 1))
    fit = case.model().fit(True)
    assert_allclose(fit.sigma2, error, rtol=1e-8)
    assert_allclose(fit.covariances[0][0, 0], row.var(ddof=1) - error / b, rtol=1e-7)
    assert_allclose(fit.covariances[1][0, 0], col.var(ddof=1) - error / a, rtol=1e-7)


@EVERY
def test_moment_start_is_inside_and_diagonal(name):
    model = CASES[name].model()
    start = moment_start(model.cross, model.objective(True).response, model.layout)
    assert start.shape == (model.layout.n_par,)
    for lam in model.layout.term_factors(start):
        assert (np.diag(lam) > 0).all()
        assert_array_equal(lam, np.diag(np.diag(lam)))


def test_moment_start_of_many_responses():
    model = CASES["nested plus crossed"].model()
    endog = np.random.default_rng(0).standard_normal((len(model.design.endog), 4))
    many = moment_start(
        model.cross, model.objective(True, endog).response, model.layout
    )
    for r in range(4):
        response = model.objective(True, endog[:, r]).response
        one = moment_start(model.cross, response, model.layout)
        assert_allclose(many[r], one, rtol=1e-7)


# ---- the minimum ------------------------------------------------------------------


@EVERY
@CRITERIA
def test_fit_is_a_minimum_of_the_dense_deviance(name, reml):
    case = CASES[name]
    fit = case.model().fit(reml)
    theta = fit.evaluation.x
    value = case.dense_deviance(fit.model, theta, reml)
    assert_allclose(fit.deviance, value, rtol=1e-12)
    gradient = numerical_gradient(
        lambda t: case.dense_deviance(fit.model, t, reml), theta
    )
    # 1e-6 allowed by the differences; the decrease says it in deviance units
    assert np.abs(gradient).max() < 1e-4
    assert fit.convergence.converged
    assert fit.convergence.predicted_decrease < 1e-9
    assert fit.convergence.negative_eigenvalues == 0
    assert fit.convergence.n_evaluations < 20


@EVERY
@CRITERIA
def test_two_optimisers_agree(name, reml):
    model = CASES[name].model()
    one = model.fit(reml)
    other = model.fit(reml, FitOptions(optimizer="lbfgs", max_iter=1000))
    assert one.convergence.converged and other.convergence.converged
    assert_allclose(other.deviance, one.deviance, rtol=0, atol=1e-7)
    assert_allclose(other.evaluation.x, one.evaluation.x, atol=1e-3)
    assert one.record.n_evaluations[0] <= other.record.n_evaluations[0]


@pytest.mark.parametrize("case", [no_spread(), one_direction()], ids=["zero", "line"])
@CRITERIA
def test_two_optimisers_agree_at_the_boundary(case, reml):
    model = case.model()
    one = model.fit(reml)
    other = model.fit(reml, FitOptions(optimizer="lbfgs", max_iter=1000))
    assert len(one.singulars[0]) == len(other.singulars[0]) == 1
    assert other.convergence.converged
    assert_allclose(other.deviance, one.deviance, rtol=0, atol=1e-7)


@pytest.mark.parametrize("scale", [1e-4, 0.01, 100.0, 1e4])
@pytest.mark.parametrize("name", ["one k=3", "crossed two", "nested plus crossed"])
def test_start_does_not_matter(name, scale):
    model = CASES[name].model()
    usual = model.fit()
    start = tuple(scale**2 * np.eye(term.k) for term in model.design.terms)
    fit = model.fit(True, FitOptions(start=start))
    assert_allclose(
        fit.model.layout.from_covariances(start),
        model.layout.from_covariances(start),
    )
    assert fit.convergence.converged
    assert_allclose(fit.deviance, usual.deviance, rtol=0, atol=1e-7)


def test_start_is_in_the_units_of_the_user():
    model = CASES["one k=2"].model()
    usual = model.fit(True, FitOptions(tol=1e-13))
    start = tuple(usual.relative_covariances)
    fit = model.fit(True, FitOptions(start=start, tol=1e-8))
    assert fit.record.n_evaluations[0] == 1
    assert_allclose(fit.record.start[0], usual.evaluation.x, rtol=1e-7)


def test_fits_of_one_model_do_not_influence_each_other():
    model = CASES["nested plus crossed, weights"].model()
    first = model.fit(True)
    kept = first.evaluation.x.copy(), float(first.deviance), first.modes[0].copy()
    model.fit(False, FitOptions(max_iter=3))
    model.fit(True, endog=model.design.endog[::-1])
    again = model.fit(True)
    assert_array_equal(again.evaluation.x, kept[0])
    assert again.deviance == kept[1]
    assert_array_equal(first.modes[0], kept[2])


# ---- the boundary -----------------------------------------------------------------


@CRITERIA
def test_a_variance_of_zero_is_exactly_zero(reml):
    case = no_spread()
    fit = case.model().fit(reml)
    assert_array_equal(fit.evaluation.x, [0.0])
    assert_array_equal(fit.relative_covariances[0], [[0.0]])
    assert_array_equal(fit.modes[0], np.zeros((8, 1)))
    (singular,) = fit.singulars[0]
    assert singular.term == 0
    assert_allclose(np.abs(singular.direction), [1.0])
    assert singular.slope > 0
    assert fit.convergence.kkt == singular.slope
    assert fit.convergence.converged
    # the reduced model is least squares
    n = len(case.y)
    rss = ((case.y - case.y.mean()) ** 2).sum()
    assert_allclose(fit.beta, [case.y.mean()], rtol=1e-12)
    assert_allclose(fit.sigma2, rss / (n - reml), rtol=1e-10)
    reduced = replace(case, terms=()).model().fit(reml)
    assert_allclose(fit.deviance, reduced.deviance, rtol=1e-10)
    assert_allclose(fit.cov_beta, reduced.cov_beta, rtol=1e-10)


def test_a_tiny_variance_that_the_data_support_is_kept():
    """sd 5e-4 of sigma, worth 1e-6 in the deviance: 2000 rows a group tell."""
    m, n, ratio = 10, 2000, 5e-4
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((m, n))
    noise -= noise.mean(axis=1, keepdims=True)
    means = rng.standard_normal(m)
    within = (noise**2).sum() / (m * (n - 1))
    # between / within = 1 + n ratio^2, which makes `ratio` the REML estimate
    means *= np.sqrt(within * (1 + n * ratio**2) / n / means.var(ddof=1))
    y = (noise + means[:, None]).ravel()
    fit = Case(y, np.ones((m * n, 1)), one_way(m, n).terms).model().fit()
    assert not fit.singulars[0]
    assert_allclose(fit.theta, [ratio], rtol=1e-2)


def test_one_of_two_terms_vanishes():
    case = two_way()
    flat = case.y.reshape(7, 6)
    flat = flat - flat.mean(axis=0)  # no differences between columns
    fit = replace(case, y=flat.ravel()).model().fit()
    assert fit.relative_covariances[1][0, 0] == 0.0
    assert fit.relative_covariances[0][0, 0] > 0.1
    (singular,) = fit.singulars[0]
    assert singular.term == 1
    assert fit.convergence.converged
    reduced = replace(case, y=flat.ravel(), terms=case.terms[:1]).model().fit()
    assert_allclose(fit.deviance, reduced.deviance, rtol=0, atol=1e-8)
    assert_allclose(fit.covariances[0], reduced.covariances[0], rtol=1e-5)


def test_one_of_several_independent_effects_vanishes():
    """diag: the direction is a coordinate axis."""
    case = one_direction(slope=0.0)
    codes, z, group, _ = case.terms[0]
    fit = replace(case, terms=((codes, z, group, "diag"),)).model().fit()
    cov = fit.relative_covariances[0]
    assert cov[1, 1] == 0.0
    assert cov[0, 0] > 0.1
    (singular,) = fit.singulars[0]
    assert_array_equal(np.abs(singular.direction), [0.0, 1.0])
    assert singular.slope > 0


@pytest.mark.parametrize("k", [2, 3])
@CRITERIA
def test_a_term_that_vanishes_entirely_is_exactly_zero(k, reml):
    """Both (all) of its directions: nothing is left of them by rounding."""
    rng = np.random.default_rng(k)
    m, n = 9, 8
    codes = np.repeat(np.arange(m), n)
    z = np.column_stack([np.ones(m * n), rng.standard_normal((m * n, k - 1)) + 1.0])
    y = rng.standard_normal(m * n)
    for group in range(m):  # nothing of y in the span of the group's columns
        rows = codes == group
        y[rows] -= z[rows] @ np.linalg.lstsq(z[rows], y[rows], rcond=None)[0]
    fit = Case(y + 5.0, np.ones((m * n, 1)), ((codes, z, "g", "us"),)).model().fit(reml)
    assert fit.convergence.converged
    assert len(fit.singulars[0]) == k
    assert_array_equal(fit.evaluation.x, 0.0)
    assert_array_equal(fit.relative_covariances[0], 0.0)
    assert_array_equal(fit.modes[0], 0.0)


@pytest.mark.parametrize("slope", [0.5, -0.5, 3.0])
@CRITERIA
def test_correlation_of_one(slope, reml):
    case = one_direction(slope=slope)
    fit = case.model().fit(reml)
    cov = fit.covariances[0]
    correlation = cov[0, 1] / np.sqrt(cov[0, 0] * cov[1, 1])
    assert_allclose(correlation, np.sign(slope), rtol=1e-10)
    (singular,) = fit.singulars[0]
    assert singular.term == 0
    assert_allclose(np.linalg.norm(singular.direction), 1.0)
    assert singular.slope > 0
    assert fit.convergence.converged
    # no variance along it, in the coordinates of the fit
    lam = fit.model.layout.term_factors(fit.evaluation.x)[0]
    assert np.abs(singular.direction @ lam).max() < 1e-7
    assert (np.diag(lam) == 0).any()
    # a little variance along any direction does not lower the deviance
    for push in (np.diag([1.0, 0.0]), np.diag([0.0, 1.0]), np.ones((2, 2))):
        other = deviance_at(fit, [fit.relative_covariances[0] + 1e-3 * push])
        assert other > fit.deviance - 1e-7


@EVERY
@CRITERIA
def test_a_start_at_zero_variance_is_left(name, reml):
    """The gradient in theta vanishes there: only the slope in the variance tells."""
    model = CASES[name].model()
    usual = model.fit(reml)
    start = tuple(np.zeros((term.k, term.k)) for term in model.design.terms)
    fit = model.fit(reml, FitOptions(start=start))
    assert not fit.singulars[0]
    assert fit.convergence.converged
    assert_allclose(fit.deviance, usual.deviance, rtol=0, atol=1e-7)


def test_a_start_at_a_correlation_of_one_is_left():
    model = CASES["one k=2"].model()
    usual = model.fit()
    fit = model.fit(True, FitOptions(start=(np.ones((2, 2)),)))
    assert not fit.singulars[0]
    assert_allclose(fit.deviance, usual.deviance, rtol=0, atol=1e-7)


def test_a_start_at_zero_stays_where_zero_is_best():
    model = no_spread().model()
    fit = model.fit(True, FitOptions(start=(np.zeros((1, 1)),)))
    assert_array_equal(fit.evaluation.x, [0.0])
    assert fit.convergence.converged
    assert fit.convergence.n_evaluations < 6


@pytest.mark.parametrize("seed", range(8))
def test_no_fit_ends_above_a_neighbour(seed):
    """Pure noise: about half of these end at a boundary of one kind or another."""
    case = CASES[("one k=3", "crossed three", "nested plus crossed")[seed % 3]]
    y = np.random.default_rng(seed).standard_normal(len(case.y))
    fit = replace(case, y=y).model().fit()
    assert fit.convergence.converged
    rng = np.random.default_rng(seed)
    for _ in range(20):
        others = []
        for cov in fit.relative_covariances:
            half = rng.standard_normal(cov.shape) * 10.0 ** rng.uniform(-4, -1)
            others.append(cov + half @ half.T)
        assert deviance_at(fit, others) > fit.deviance - 1e-7


def test_negative_curvature_is_left():
    """Beyond an inflection the curvature is negative; the fit ends elsewhere."""
    model = CASES["one k=3"].model()
    usual = model.fit()
    objective = model.objective(True)
    seen = 0
    for seed in range(30):
        half = np.random.default_rng(seed).standard_normal((3, 3)) * 0.05
        start = (half @ half.T,)
        at = objective.evaluate(model.internal_theta(start))
        seen += np.linalg.eigvalsh(at.curvature).min() < 0
        fit = model.fit(True, FitOptions(start=start))
        assert fit.convergence.negative_eigenvalues == 0
        assert_allclose(fit.deviance, usual.deviance, rtol=0, atol=1e-7)
    assert seen > 5


# ---- the certificate --------------------------------------------------------------


@pytest.mark.parametrize("optimizer", ["newton", "lbfgs"])
@pytest.mark.parametrize("name", ["one k=3", "crossed two", "nested plus crossed"])
def test_a_fit_stopped_early_says_so(name, optimizer):
    model = CASES[name].model()
    far = tuple(1e6 * np.eye(term.k) for term in model.design.terms)
    fit = model.fit(True, FitOptions(far, optimizer, max_iter=2))
    assert not fit.convergence.converged
    assert "NOT converged" in fit.convergence.message
    figures = fit.convergence
    assert figures.predicted_decrease > 1e-6 or figures.negative_eigenvalues
    assert fit.deviance > model.fit().deviance + 1e-3
    assert not fit.record.reached[0]


def test_predicted_decrease_foretells_the_decrease():
    """Stopped near the end, the figure is what the rest of the way gains."""
    model = CASES["nested plus crossed"].model()
    end = float(model.fit(True, FitOptions(tol=1e-13)).deviance)
    checked = 0
    for max_iter in range(2, 8):
        start = tuple(0.3 * np.eye(term.k) for term in model.design.terms)
        fit = model.fit(True, FitOptions(start, max_iter=max_iter))
        left = float(fit.deviance) - end
        if 1e-7 < left < 0.1:
            assert_allclose(fit.convergence.predicted_decrease, left, rtol=0.5)
            checked += 1
    assert checked


def test_max_iter_holds_over_restarts():
    """A start at zero variances is left again and again."""
    model = CASES["crossed three"].model()
    start = tuple(np.zeros((term.k, term.k)) for term in model.design.terms)
    fit = model.fit(True, FitOptions(start, max_iter=3))
    # beside these the certificate, and zeros tried: each variance, and at the end
    assert fit.record.n_evaluations[0] <= 3
    assert fit.convergence.n_evaluations <= 3 + 1 + model.layout.n_par + 1
    assert not fit.convergence.converged


def test_the_record_ends_where_the_fit_is():
    """Also when all restarts are used up."""
    model = CASES["crossed three"].model()
    start = tuple(np.zeros((term.k, term.k)) for term in model.design.terms)
    for max_iter in (1, 2, 3, 200):
        fit = model.fit(True, FitOptions(start, max_iter=max_iter))
        assert_array_equal(fit.record.end[0], fit.evaluation.x)
        assert fit.record.value[0] == fit.deviance
        figure = fit.convergence.predicted_decrease
        assert fit.record.predicted_decrease[0] == figure
        assert fit.record.reached[0] == (figure < 1e-8)  # a saddle is reached, too
        if max_iter < 3:
            assert not fit.convergence.converged


@pytest.mark.parametrize(
    "figures, verdict",
    [
        ((1e-9, 0, np.inf, 5), True),
        ((1e-9, 0, 0.3, 5), True),
        ((2e-6, 0, np.inf, 5), False),
        ((1e-9, 1, np.inf, 5), False),
        ((1e-9, 0, -0.1, 5), False),
        ((np.nan, 0, np.inf, 5), False),
    ],
)
def test_verdict_and_message(figures, verdict):
    convergence = Convergence(*figures)
    assert convergence.converged is verdict
    assert convergence.message.startswith("converged" if verdict else "NOT converged")
    assert "5 evaluations" in convergence.message
    assert ("negative curvature" in convergence.message) == bool(figures[1])
    assert ("slope at the bound" in convergence.message) == np.isfinite(figures[2])


@pytest.mark.parametrize(
    "options", [{"optimizer": "bfgs"}, {"tol": 0.0}, {"tol": -1.0}, {"max_iter": 0}]
)
def test_bad_options_are_refused(options):
    with pytest.raises(DataError):
        FitOptions(**options)


def test_no_random_terms():
    fit = replace(CASES["one k=1"], terms=()).model().fit()
    assert fit.convergence.converged
    assert fit.evaluation.x.shape == (0,)
    assert fit.modes == ()


# ---- many responses at once -------------------------------------------------------


def responses(case, count, seed=0):
    """From strong effects to none: some ends are inside, some at a boundary."""
    rng = np.random.default_rng(seed)
    n = len(case.y)
    y = rng.standard_normal((n, count))
    for t, (codes, *_) in enumerate(case.terms):
        z = case.effects(t)
        b = rng.standard_normal((codes.max() + 1, z.shape[1], count))
        strength = np.linspace(0.0, 1.5, count)
        y += strength * np.einsum("nk,nkr->nr", z, b[codes])
    return y + (0.0 if case.offset is None else case.offset[:, None])


@pytest.mark.parametrize(
    "name",
    ["one k=1", "one k=2", "diag, weights", "one k=2, offset", "nested plus crossed"],
)
@CRITERIA
def test_a_batch_is_its_single_fits(name, reml):
    case = CASES[name]
    count = 50 if case.terms[-1][2] == "g" else 8
    endog = responses(case, count)
    model = case.model()
    # 9e-8 seen; with the usual tol of 1e-9 it is 2e-6, and 3e-12 in the deviance
    tight = FitOptions(tol=1e-12)
    many = model.fit(reml, tight, endog)
    assert many.deviance.shape == (count,)
    assert len(many.convergences) == len(many.singulars) == count
    at_boundary = 0
    for r in range(count):
        one = model.fit(reml, tight, endog[:, r])
        assert_allclose(many.deviance[r], one.deviance, rtol=0, atol=1e-8)
        theta = many.evaluation.x[r]
        assert_allclose(theta, one.evaluation.x, rtol=0, atol=1e-6)
        assert_allclose(many.sigma2[r], one.sigma2, rtol=1e-6)
        assert_allclose(many.beta[r], one.beta, rtol=1e-5, atol=1e-6)
        assert many.convergences[r].converged
        assert len(many.singulars[r]) == len(one.singulars[0])
        for cov, alone in zip(
            many.relative_covariances, one.relative_covariances, strict=True
        ):
            assert_array_equal(cov[r] == 0, alone == 0)
        at_boundary += len(one.singulars[0]) > 0
    assert 0 < at_boundary < count


def test_a_batch_stopped_early_says_so():
    case = CASES["one k=2"]
    model, endog = case.model(), responses(case, 6)
    far = (1e6 * np.eye(2),)
    many = model.fit(True, FitOptions(far, max_iter=2), endog)
    assert not any(c.converged for c in many.convergences)


@pytest.mark.parametrize("start", [0.0, 1e-4])
def test_a_batch_leaves_a_bad_start(start):
    case = CASES["one k=2"]
    model, endog = case.model(), responses(case, 10)
    usual = model.fit(True, endog=endog)
    many = model.fit(True, FitOptions((start * np.eye(2),)), endog)
    assert_allclose(many.deviance, usual.deviance, rtol=0, atol=1e-7)
    assert all(c.converged for c in many.convergences)


def test_a_batch_of_one():
    case = CASES["one k=2"]
    model = case.model()
    one, many = model.fit(), model.fit(endog=case.y[:, None])
    assert many.deviance.shape == (1,)
    assert_allclose(many.deviance[0], one.deviance, rtol=1e-12)
    assert many.modes[0].shape == (1, *one.modes[0].shape)


def test_a_batch_in_two_columns_of_one_response():
    """What one response does must not depend on its neighbours."""
    case = CASES["one k=3"]
    model, endog = case.model(), responses(case, 4)
    alone = model.fit(endog=endog[:, [3]])
    among = model.fit(endog=endog)
    assert_allclose(among.evaluation.x[3], alone.evaluation.x[0], rtol=1e-12)
    assert among.record.n_evaluations[3] == alone.record.n_evaluations[0]
