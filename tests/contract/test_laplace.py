"""The Laplace approximation and its rough relative against definitions.

Values come from dense matrices and scipy's densities, gradients from differences of
values, over all families with all their links and all kinds of random effects.
"""

import warnings
from functools import cache

import numpy as np
import pandas as pd
import pytest
from scipy import special, stats
from scipy.optimize import minimize

import statsmodels_mixed as smm
from statsmodels_mixed.core import Penalised
from statsmodels_mixed.design.response import takes_trials
from statsmodels_mixed.errors import ConvergenceWarning, IdentifiabilityError
from statsmodels_mixed.families import FAMILIES, as_family
from statsmodels_mixed.fitting.start import internal_theta

N = 120
PAIRS = [(f, link) for f, kind in FAMILIES.items() for link in kind.links]
# links for which any linear predictor has a mean, by family
UNBOUNDED = {
    "binomial": {"logit", "probit", "cloglog", "loglog", "cauchit"},
    "gaussian": {"identity", "log"},
}
EXACT = 1e-24  # of modes: differences of values lose digits


@cache
def frame():
    rng = np.random.default_rng(12)
    g = rng.permutation(N) % 20
    x, v = rng.uniform(-1.0, 1.0, (2, N))
    mu = 3.0 * np.exp(0.2 * x + 0.2 * rng.standard_normal(20)[g])
    n = rng.integers(2, 7, N)
    return pd.DataFrame(
        {
            "g": g,
            "h": g // 4,
            "c": rng.integers(0, 7, N),
            "row": np.arange(N),
            "x": x,
            "v": v,
            "f": np.array(list("ab"))[rng.integers(0, 2, N)],
            "w": rng.uniform(0.5, 2.0, N),
            "o": 0.2 * rng.standard_normal(N),
            "n": n,
            "s": rng.binomial(n, mu / (mu + 4.0)),
            "binomial": rng.binomial(1, mu / (mu + 4.0)),
            "poisson": rng.poisson(mu),
            "negative_binomial": rng.poisson(rng.gamma(3.0, mu / 3.0)),
            "gamma": rng.gamma(4.0, mu / 4.0),
            "inverse_gaussian": rng.wald(mu, 20.0),
            "gaussian": mu + rng.standard_normal(N),
        }
    )


# random part: for each term its columns, levels, and structure
TERMS = {
    "(1 | g)": [("1", "g", "us")],
    "(x | g)": [("1x", "g", "us")],
    "(x + v | g)": [("1xv", "g", "us")],
    "diag(x | g)": [("1x", "g", "diag")],
    "homdiag(x + v | g)": [("1xv", "g", "homdiag")],
    "(1 | h / g)": [("1", "h", "us"), ("1", "h:g", "us")],
    "(1 | g) + (1 | c)": [("1", "g", "us"), ("1", "c", "us")],
    "(x | g) + (v | c)": [("1x", "g", "us"), ("1v", "c", "us")],
    "(1 | g) + (0 + x | g)": [("1", "g", "us"), ("x", "g", "us")],
    "(1 | g) + (1 | row)": [("1", "g", "us"), ("1", "row", "us")],
}


@cache
def model_of(family, link, random="(x | g)", left=None, extra=()):
    kind = as_family(family, smm.families.Power(3.0) if link == "power" else link)
    columns = {name: name[0] for name in extra}  # weights: w, offset: o
    return smm.glmm(f"{left or family} ~ x + v + {random}", frame(), kind, **columns)


class Somewhere:
    """A point at which a response has a density, in the user's units."""

    def __init__(self, model):
        family, self.model = model.family, model
        middle = float(family.linear_predictor(0.4 if takes_trials(family) else 3.0))
        free = family.link.name in UNBOUNDED.get(family.name, {"log"})
        scale = 1.0 if free else 0.16 * abs(middle)
        self.beta = np.array([middle, 0.5 * scale, -0.3 * scale])
        self.covariances = [
            (0.6 * scale) ** 2 * _correlated(term.structure) for term in model.terms
        ]
        self.dispersion = 0.6 if family.dispersion_name else None

    def x(self, free):
        """The point as the criterion takes it."""
        engine = self.model.engine
        theta = internal_theta(engine, self.covariances)
        zeta = [] if self.dispersion is None else [np.log(self.dispersion)]
        beta = np.linalg.solve(engine.rows.exog_map, self.beta)
        return np.concatenate([theta, zeta, [] if free else beta]), beta

    def objective(self, nagq, tolerance=EXACT):
        """Criterion that starts its search for modes at this point."""
        found = self.model.engine.objective(nagq)
        x, beta = self.x(free=nagq == 0)
        found.tolerance = tolerance
        found.start_from(np.zeros(self.model.engine.rows.system.width), beta)
        return found, x


def _correlated(structure):
    k = structure.k
    out = np.diag(np.linspace(1.0, 0.6, k)) + 0.3 * (1.0 - np.eye(k))
    return structure_of(structure, out)


def structure_of(structure, cov):
    """The nearest covariance of a structure, by its own parameters."""
    factor = structure.factor(structure.from_covariance(cov))
    return factor @ factor.T


# ---- the value ------------------------------------------------------------------


INVERSE = {
    "logit": special.expit,
    "probit": special.ndtr,
    "cloglog": lambda eta: -np.expm1(-np.exp(eta)),
    "loglog": lambda eta: np.exp(-np.exp(-eta)),
    "cauchit": lambda eta: 0.5 + np.arctan(eta) / np.pi,
    "log": np.exp,
    "identity": lambda eta: eta,
    "inverse": lambda eta: 1 / eta,
    "sqrt": lambda eta: eta**2,
    "inverse_squared": lambda eta: eta**-0.5,
    "power": np.cbrt,
}
DENSITY = {
    "binomial": lambda y, mu, n, w, phi: w * stats.binom.logpmf(y, n, mu),
    "poisson": lambda y, mu, n, w, phi: w * stats.poisson.logpmf(y, mu),
    "negative_binomial": lambda y, mu, n, w, phi: (
        w * stats.nbinom.logpmf(y, 1 / phi, 1 / (1 + phi * mu))
    ),
    "gamma": lambda y, mu, n, w, phi: stats.gamma.logpdf(
        y, w / phi, scale=mu * phi / w
    ),
    "inverse_gaussian": lambda y, mu, n, w, phi: stats.invgauss.logpdf(
        y, mu * phi / w, scale=w / phi
    ),
    "gaussian": lambda y, mu, n, w, phi: stats.norm.logpdf(y, mu, np.sqrt(phi / w)),
}


def dense_deviance(model, point, terms, weights, offset, trials):
    """Twice the value of the definition: f minimised, and the determinant of H."""
    data, family = frame(), model.family
    values = {"1": np.ones(N), "x": data.x, "v": data.v}
    blocks = []
    for (columns, levels, _), cov in zip(terms, point.covariances, strict=True):
        z = np.column_stack([values[c] for c in columns]) @ _root(cov)
        codes = data.groupby(levels.split(":")).ngroup()
        indicators = pd.get_dummies(codes).to_numpy(float)
        blocks += [indicators * column[:, None] for column in z.T]
    a = np.column_stack(blocks)
    fixed = np.column_stack([np.ones(N), data.x, data.v]) @ point.beta + offset
    phi = 1.0 if point.dispersion is None else point.dispersion
    response = model.endog
    bound = family.observe(response, trials, weights)
    density, mean = DENSITY[family.name], INVERSE[family.link.name]

    def f(u):
        with np.errstate(invalid="ignore"):
            mu = mean(fixed + a @ u)
        n = 1.0 if trials is None else trials
        value = density(response, mu, n, 1.0 if weights is None else weights, phi).sum()
        return 0.5 * u @ u - value if np.isfinite(value) else np.inf

    def derivatives(u):
        d = bound.derivatives(fixed + a @ u, np.log(phi))
        return u - a.T @ d.d1, np.eye(len(u)) - (a.T * d.d2) @ a

    options = {"gtol": 1e-11, "maxiter": 500}
    gradient, hessian = (lambda u, i=i: derivatives(u)[i] for i in (0, 1))
    start = np.zeros(a.shape[1])
    found = minimize(
        f, start, method="trust-exact", jac=gradient, hess=hessian, options=options
    )
    u = found.x
    for _ in range(3):  # digits that values cannot tell
        slope, h = derivatives(u)
        u = u - np.linalg.solve(h, slope)
    return 2 * f(u) + np.linalg.slogdet(derivatives(u)[1])[1]


def _root(cov):
    values, vectors = np.linalg.eigh(cov)
    return vectors * np.sqrt(np.maximum(values, 0.0))


def check_value(model, random, extra=()):
    data, point = frame(), Somewhere(model)
    objective, x = point.objective(1)
    weights = data.w.to_numpy() if "weights" in extra else None
    offset = data.o.to_numpy() if "offset" in extra else np.zeros(N)
    expected = dense_deviance(
        model, point, TERMS[random], weights, offset, model.design.trials
    )
    assert np.isfinite(expected)
    value = float(objective.evaluate(x).value)
    np.testing.assert_allclose(value, expected, rtol=1e-9)
    value = model.loglike(point.beta, point.covariances, point.dispersion)
    np.testing.assert_allclose(-2 * value, expected, rtol=1e-9)


@pytest.mark.parametrize("family,link", PAIRS)
def test_value_of_every_family_and_link(family, link):
    check_value(model_of(family, link), "(x | g)")


@pytest.mark.parametrize("random", TERMS)
@pytest.mark.parametrize("family,link", [("binomial", "probit"), ("gamma", "log")])
def test_value_of_every_structure(random, family, link):
    check_value(model_of(family, link, random), random)


@pytest.mark.parametrize("family", FAMILIES)
def test_value_with_weights_and_offset(family):
    extra = ("weights", "offset")
    model = model_of(family, FAMILIES[family]().link.name, "(x | g)", extra=extra)
    check_value(model, "(x | g)", extra)


@pytest.mark.parametrize("link", sorted(UNBOUNDED["binomial"]))
def test_value_of_trials(link):
    random = "(1 | g) + (1 | c)"
    check_value(model_of("binomial", link, random, "cbind(s, n - s)"), random)


# ---- the gradient ---------------------------------------------------------------


def differences(objective, x):
    """Gradient by central differences of fourth order."""
    out = np.empty(len(x))
    n_theta = objective.layout.n_par
    for j in range(len(x)):
        group = x[:n_theta] if j < n_theta else x[n_theta:]
        h = 1e-3 * np.abs(group).max()
        values = []
        for step in (2.0, 1.0, -1.0, -2.0):
            trial = x.copy()
            trial[j] += step * h
            values.append(float(objective.evaluate(trial, derivatives=False).value))
        out[j] = np.dot([-1.0, 8.0, -8.0, 1.0], values) / (12.0 * h)
    return out


def check_gradient(model, nagq):
    objective, x = Somewhere(model).objective(nagq)
    expected = differences(objective, x)
    gradient = objective.evaluate(x).gradient
    assert gradient.shape == (objective.n_par,)
    # not by chance at a minimum
    assert np.abs(expected).max() > 1e-3 * model.engine.rows.unit
    atol = 1e-6 * np.abs(expected).max()
    np.testing.assert_allclose(gradient, expected, rtol=1e-6, atol=atol)


@pytest.mark.parametrize("nagq", [0, 1])
@pytest.mark.parametrize("family,link", PAIRS)
def test_gradient_of_every_family_and_link(family, link, nagq):
    if (family, link, nagq) == ("binomial", "power", 0):
        pytest.skip("at the best fixed effects a mean is at its border of 0")
    check_gradient(model_of(family, link), nagq)


@pytest.mark.parametrize("nagq", [0, 1])
@pytest.mark.parametrize("random", TERMS)
@pytest.mark.parametrize(
    "family", ["binomial", "negative_binomial", "inverse_gaussian"]
)
def test_gradient_of_every_structure(family, random, nagq):
    check_gradient(model_of(family, FAMILIES[family]().link.name, random), nagq)


@pytest.mark.parametrize("nagq", [0, 1])
@pytest.mark.parametrize("family", FAMILIES)
def test_gradient_with_weights_and_offset(family, nagq):
    extra = ("weights", "offset")
    random = "(1 | g) + (1 | c)"
    link = FAMILIES[family]().link.name
    check_gradient(model_of(family, link, random, extra=extra), nagq)


@pytest.mark.parametrize("nagq", [0, 1])
@pytest.mark.parametrize("link", sorted(UNBOUNDED["binomial"]))
def test_gradient_of_trials(link, nagq):
    random = "(x | g) + (v | c)"
    check_gradient(model_of("binomial", link, random, "cbind(s, n - s)"), nagq)


@pytest.mark.parametrize("nagq", [0, 1])
@pytest.mark.parametrize("family", ["binomial", "gamma"])
def test_gradient_in_a_variance_of_zero(family, nagq):
    """One-sided, in the covariance itself: the factor has no derivative there."""
    model = model_of(family, "log" if family == "gamma" else "logit", "(x | g)")
    point = Somewhere(model)
    point.covariances = [np.zeros((2, 2))]
    objective, x = point.objective(nagq)
    g = objective.evaluate(x).covariance_gradient[0]
    layout = model.engine.layout

    def at(size):
        theta = layout.from_covariances([size * np.array([[1.0, 0.4], [0.4, 0.5]])])
        trial = np.concatenate([theta, x[len(theta) :]])
        return float(objective.evaluate(trial, derivatives=False).value)

    h = 2e-4
    steps = np.array([at(k * h) for k in range(5)])
    slope = np.dot([-25.0, 48.0, -36.0, 16.0, -3.0], steps) / (12 * h)
    expected = g[0, 0] + 0.8 * g[0, 1] + 0.5 * g[1, 1]
    np.testing.assert_allclose(expected, slope, rtol=1e-5)


@pytest.mark.parametrize("nagq", [0, 1])
def test_value_does_not_depend_on_where_the_search_begins(nagq):
    for family, link in [("binomial", "cauchit"), ("poisson", "log")]:
        point = Somewhere(model_of(family, link))
        objective, x = point.objective(nagq)
        expected = float(objective.evaluate(x).value)
        rng = np.random.default_rng(0)
        for size in (0.3, 3.0):
            u = size * rng.standard_normal(point.model.engine.rows.system.width)
            objective.start_from(u, point.x(False)[1])
            np.testing.assert_allclose(
                objective.evaluate(x).value, expected, rtol=1e-11
            )


# ---- hard problems --------------------------------------------------------------


def descends(model, beta, covariances, zeta=0.0, start=None):
    """f falls along the search for the mode, which ends at a stationary point."""
    engine = model.engine
    factors = engine.layout.matrices(internal_theta(engine, covariances))
    own = np.linalg.solve(engine.rows.exog_map, np.asarray(beta, dtype=float))
    problem = Penalised(engine.rows, engine.likelihood, engine.offset, factors, zeta, 0)
    point = problem.at(
        np.zeros(engine.rows.system.width) if start is None else start, own
    )
    assert np.isfinite(point.value)
    for _ in range(200):
        if point.decrease < 1e-13 * (1 + abs(point.value)):
            return point
        better = problem._shortened(point)
        assert better is not None
        assert better.value <= point.value + 1e-13 * (1 + abs(point.value))
        point = better
    raise AssertionError("no mode in 200 steps")


def _hard(family, y, **kwargs):
    data = frame().assign(y=y)
    return smm.glmm("y ~ x + (x | g)", data, family=family, **kwargs)


@pytest.mark.parametrize("link", sorted(UNBOUNDED["binomial"]))
@pytest.mark.parametrize("size", [1e-12, 1.0, 1e4])
def test_modes_exist_for_any_covariance(link, size):
    model = _hard(as_family("binomial", link), (frame().x + 0.3 > 0) * 1.0)
    for shape in (np.eye(2), np.ones((2, 2)), np.diag([1.0, 0.0])):
        if link == "cloglog" and size > 1.0:  # weights up to exp(100) in one row
            continue
        for beta in ([0.0, 0.0], [4.0, -6.0]):
            point = descends(model, beta, [size * shape])
            found = model.loglike(beta, [size * shape])
            assert np.isfinite(found) or found == -np.inf
            assert np.isfinite(point.u).all()


@pytest.mark.parametrize("offset", [-400.0, -30.0, 30.0])
@pytest.mark.parametrize("family", ["binomial", "poisson", "negative_binomial"])
def test_modes_under_huge_offsets(family, offset):
    data = frame()
    o = np.where(data.g % 2 == 0, offset, 0.0)
    model = _hard(family, data[family].to_numpy(float), offset=o)
    descends(model, [0.0, 0.5], [np.eye(2)])
    assert not np.isnan(model.loglike([0.0, 0.5], [np.eye(2)], *_alpha(family)))


def _alpha(family):
    return [0.5] if family == "negative_binomial" else []


@pytest.mark.parametrize(
    "family,link",
    [(f, link) for f, link in PAIRS if link not in UNBOUNDED.get(f, {"log"})],
)
def test_modes_near_the_border_of_the_domain(family, link):
    """Steps that leave the domain are shortened, and where there is no mode but on
    the border (counts of zero, mean identity) nothing is raised.
    """
    model = model_of(family, link)
    point = Somewhere(model)
    kind = model.family
    for mean in (0.02, 0.3) if takes_trials(kind) else (0.02, 0.5, 30.0):
        middle = float(kind.linear_predictor(mean))
        for sd in (0.05, 0.5, 5.0):
            cov = [(sd * abs(middle)) ** 2 * np.eye(2)]
            value = model.loglike([middle, 0.0, 0.0], cov, point.dispersion)
            assert not np.isnan(value) and value < np.inf


def test_outside_of_the_domain_the_deviance_is_infinite():
    model = model_of("poisson", "identity")
    objective, x = Somewhere(model).objective(1)
    x[objective.beta_place] *= -1.0
    found = objective.evaluate(x)
    assert found.value == np.inf and np.isnan(found.gradient).all()
    assert model.loglike([-1.0, 0.0, 0.0], [np.eye(2)]) == -np.inf


def test_a_warm_start_outside_of_the_domain_is_left():
    objective, x = Somewhere(model_of("gamma", "identity")).objective(1)
    expected = objective.evaluate(x).value
    objective.start_from(np.full(len(objective.near[0]), -1e3), objective.near[1])
    np.testing.assert_allclose(objective.evaluate(x).value, expected, rtol=1e-12)


@pytest.mark.parametrize("nagq", [0, 1])
def test_groups_of_one_kind_only(nagq):
    """Separated within groups: the modes are finite, and so is the fit."""
    data = frame()
    y = ((data.g % 3 == 0) ^ (data.row % 40 == 0)) * 1.0
    fit = _hard("binomial", y).fit(nagq=nagq)
    assert np.isfinite(fit.llf) and fit.cov_re["g"].iloc[0, 0] > 1.0
    assert np.isfinite(fit.bse).all()


# random effects that leave the domain of these links: no interior maximum
LEAVING = {
    ("binomial", "log"),
    ("binomial", "inverse"),
    ("binomial", "power"),
    ("poisson", "power"),
    ("inverse_gaussian", "power"),
}


# ... and of this one several modes: the criterion depends on where a search begins
SEVERAL = {("binomial", "inverse_squared")}


@pytest.mark.parametrize("family,link", sorted(set(PAIRS) - LEAVING - SEVERAL))
def test_every_pair_can_be_fitted(family, link):
    model = model_of(family, link, "(1 | g)")
    fit = model.fit()
    assert fit.converged and np.isfinite(fit.bse).all()
    start = model.fit(start=[[[0.5 * float(fit.cov_re["g"].iloc[0, 0]) + 1e-4]]])
    np.testing.assert_allclose(start.llf, fit.llf, rtol=1e-8)


@pytest.mark.parametrize("family,link", sorted(LEAVING))
def test_no_maximum_is_said(family, link):
    """Not converged, or refused with our own error; never a failure of LAPACK."""
    model = model_of(family, link, "(1 | g)")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        try:
            fit = model.fit(max_iter=30)
        except IdentifiabilityError as error:
            assert link in str(error)
        else:
            assert not fit.converged and np.isfinite(fit.llf)
            assert "NOT converged" in str(caught[0].message)
