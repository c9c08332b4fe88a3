"""Every family of the registry with every link it has keeps the contract."""

import pickle
import warnings

import mpmath as mp
import numpy as np
import pytest
import scipy.stats as st
import statsmodels.api as sm
from numpy.testing import assert_allclose, assert_array_equal

from statsmodels_mixed.errors import DataError, FamilyError
from statsmodels_mixed.families import (
    FAMILIES,
    LINKS,
    Binomial,
    Cauchit,
    CLogLog,
    Gamma,
    Gaussian,
    InverseGaussian,
    Log,
    Logit,
    LogLog,
    NegativeBinomial,
    Poisson,
    Power,
    Probit,
    as_family,
    as_link,
)

LINK = {**LINKS, "power": Power(3.0)}
PAIRS = [kind(LINK[link]) for kind in FAMILIES.values() for link in kind.links]
PAIRS.append(NegativeBinomial(alpha=0.5))


def label(family):
    return f"{family.name}-{family.link.name}" + "-fixed" * (
        getattr(family, "alpha", None) is not None
    )


EVERY = pytest.mark.parametrize("family", PAIRS, ids=label)
DISPERSED = pytest.mark.parametrize(
    "family", [f for f in PAIRS if f.dispersion_name], ids=label
)
LOG_DISPERSION = np.log(0.6)

# ---- the same densities by mpmath -----------------------------------------------

mp.mp.dps = 40
LOGS = {  # mu and 1 - mu, each to full relative precision
    "logit": lambda e: (1 / (1 + mp.exp(-e)), 1 / (1 + mp.exp(e))),
    "probit": lambda e: (mp.ncdf(e), mp.ncdf(-e)),
    "cloglog": lambda e: (-mp.expm1(-mp.exp(e)), mp.exp(-mp.exp(e))),
    "loglog": lambda e: (mp.exp(-mp.exp(-e)), -mp.expm1(-mp.exp(-e))),
    "cauchit": lambda e: (mp.atan2(1, -e) / mp.pi, mp.atan2(1, e) / mp.pi),
    "log": lambda e: (mp.exp(e), -mp.expm1(e)),
}


def mp_means(link, eta):
    if link.name in LOGS:
        return LOGS[link.name](eta)
    mu = mp.sign(eta) * abs(eta) ** (mp.mpf(1) / link.power)
    return mu, 1 - mu


def mp_log(x, complement):
    """log x where x may be so near one that only its complement tells."""
    if x < 0.5 or complement < 0:
        return mp.log(x)
    if complement > mp.mpf(10) ** -20:
        return mp.log1p(-complement)
    return -sum(complement**k / k for k in range(1, 7))  # log1p stops at the first


def mp_binomial(y, n, w, mu, comp, phi):
    log_c = mp.log(mp.binomial(n, y))
    hits = y * mp_log(mu, comp) if y else 0
    misses = (n - y) * mp_log(comp, mu) if n - y else 0
    return w * (hits + misses + log_c)


def mp_poisson(y, n, w, mu, comp, phi):
    return w * (y * mp.log(mu) - mu - mp.loggamma(y + 1))


def mp_negative_binomial(y, n, w, mu, comp, alpha):
    k = 1 / alpha
    ratio = mp.loggamma(y + k) - mp.loggamma(k) - mp.loggamma(y + 1)
    return w * (ratio + y * mp.log(alpha * mu) - (y + k) * mp.log1p(alpha * mu))


def mp_gamma(y, n, w, mu, comp, phi):
    a = w / phi
    return a * mp.log(a * y / mu) - a * y / mu - mp.log(y) - mp.loggamma(a)


def mp_inverse_gaussian(y, n, w, mu, comp, phi):
    scale = mp.log(2 * mp.pi * phi * y**3 / w) / 2
    return -w * (y - mu) ** 2 / (2 * phi * mu**2 * y) - scale


def mp_gaussian(y, n, w, mu, comp, phi):
    return -w * (y - mu) ** 2 / (2 * phi) - mp.log(2 * mp.pi * phi / w) / 2


def mp_log_density(family, y, n, w):
    """Function of eta and zeta in many digits."""
    density = globals()[f"mp_{family.name}"]
    y, n, w = mp.mpf(float(y)), mp.mpf(float(n)), mp.mpf(float(w))
    alpha = getattr(family, "alpha", None)

    def function(eta, zeta):
        phi = mp.exp(zeta) if alpha is None else mp.mpf(alpha)
        return density(y, n, w, *mp_means(family.link, eta), phi)

    return function


def exact(family, row, eta, zeta, orders):
    """Derivatives of the log density of one row; orders are (in eta, in zeta)."""
    function = mp_log_density(family, *row)
    eta, zeta = mp.mpf(float(eta)), mp.mpf(float(zeta))
    return [
        float(mp.diff(function, (eta, zeta), o) if any(o) else function(eta, zeta))
        for o in orders
    ]


# ---- data in the domain of each -------------------------------------------------


def grid(family):
    """Responses, trials, weights and linear predictors, every one with every other."""
    if family.name == "binomial":
        rows = [(0, 1), (1, 1), (0, 5), (2, 5), (5, 5)]
        means = [0.02, 0.3, 0.5, 0.8, 0.99]
    elif family.name == "gaussian":
        rows = [(-1.5, 1), (0.0, 1), (2.5, 1)]
        means = [0.1, 0.7, 3.0]
    else:
        rows = [(0 if family.name in COUNTS else 0.05, 1), (1, 1), (3, 1), (40, 1)]
        means = [0.05, 0.7, 3.0, 30.0]
    weights = [1.0, 1.7, 0.4]
    eta = [float(family.linear_predictor(m)) for m in means]
    every = [(y, n, w, e) for y, n in rows for w in weights for e in eta]
    return np.array(every, dtype=float).T


COUNTS = ("poisson", "negative_binomial")


def bound(family):
    y, n, w, eta = grid(family)
    return family.observe(y, n if family.name == "binomial" else None, w), eta


def same(found, wanted, rtol=1e-11, scale=0.0):
    """Equal to digits of the number itself, or of the terms it is the sum of."""
    wanted = np.asarray(wanted)
    gap = np.abs(found - wanted) / (rtol * np.maximum(np.abs(wanted), scale) + 1e-300)
    assert gap.max() <= 1, (gap.max(), found[gap.argmax()], wanted[gap.argmax()])


@EVERY
def test_value_and_derivatives_against_mpmath(family):
    y, n, w, eta = grid(family)
    likelihood, _ = bound(family)
    found = likelihood.derivatives(eta, LOG_DISPERSION, order=3)
    orders = [(i, 0) for i in range(4)]
    wanted = np.array(
        [
            exact(family, row, e, LOG_DISPERSION, orders)
            for *row, e in zip(y, n, w, eta, strict=True)
        ]
    ).T
    for d, reference in zip(found, wanted, strict=True):
        same(d, reference, scale=1 + np.abs(reference).max() * 1e-3)


@DISPERSED
def test_dispersion_derivatives_against_mpmath(family):
    y, n, w, eta = grid(family)
    likelihood, _ = bound(family)
    for zeta in (LOG_DISPERSION, -7.0, 3.0):
        found = likelihood.dispersion_derivatives(eta, zeta)
        orders = [(i, 1) for i in range(3)]
        wanted = np.array(
            [
                exact(family, row, e, zeta, orders)
                for *row, e in zip(y, n, w, eta, strict=True)
            ]
        ).T
        for d, reference in zip(found, wanted, strict=True):
            same(d, reference, scale=1 + np.abs(reference).max() * 1e-3)


@pytest.mark.parametrize("family", [f for f in PAIRS if not f.dispersion_name])
def test_no_dispersion_no_derivative(family):
    likelihood, eta = bound(family)
    with pytest.raises(FamilyError, match="no dispersion"):
        likelihood.dispersion_derivatives(eta, 0.0)
    with pytest.raises(FamilyError, match="no dispersion"):
        family.start_dispersion(np.array([1.0, 2.0]), np.array([1.5, 1.5]))


def frozen(family, mu, dispersion, n):
    """The distribution in scipy.stats."""
    k = (
        1 / getattr(family, "alpha", None)
        if label(family).endswith("fixed")
        else (1 / dispersion)
    )
    return {
        "binomial": lambda: st.binom(n.astype(int), mu),
        "poisson": lambda: st.poisson(mu),
        "negative_binomial": lambda: st.nbinom(k, k / (k + mu)),
        "gamma": lambda: st.gamma(1 / dispersion, scale=mu * dispersion),
        "inverse_gaussian": lambda: st.invgauss(mu * dispersion, scale=1 / dispersion),
        "gaussian": lambda: st.norm(mu, np.sqrt(dispersion)),
    }[family.name]()


@EVERY
def test_value_against_scipy(family):
    y, n, _, eta = grid(family)
    likelihood = family.observe(y, n if family.name == "binomial" else None)
    distribution = frozen(family, family.mean(eta), 0.6, n)
    discrete = family.name in ("binomial", *COUNTS)
    wanted = distribution.logpmf(y) if discrete else distribution.logpdf(y)
    assert_allclose(likelihood.value(eta, np.log(0.6)), wanted, rtol=1e-9, atol=1e-11)


@EVERY
def test_value_is_that_of_derivatives_and_orders_are_counted(family):
    likelihood, eta = bound(family)
    value = likelihood.value(eta, LOG_DISPERSION)
    for order in range(4):
        found = likelihood.derivatives(eta, LOG_DISPERSION, order=order)
        assert_array_equal(found.value, value)
        assert [d is None for d in found] == [i > order for i in range(4)]


@EVERY
def test_leading_axes_and_dispersion_by_row(family):
    likelihood, eta = bound(family)
    nodes = np.stack([eta, eta * 0.9, eta * 1.1])
    zeta = np.linspace(-2, 1, eta.size)
    together = likelihood.derivatives(nodes, zeta, order=3)
    weights = likelihood.expected_weights(nodes, zeta)
    for i, node in enumerate(nodes):
        alone = likelihood.derivatives(node, zeta, order=3)
        for a, b in zip(together, alone, strict=True):
            assert a.shape == nodes.shape
            assert_allclose(a[i], b, rtol=1e-13)
        assert_allclose(weights[i], likelihood.expected_weights(node, zeta), rtol=1e-13)
    j = eta.size // 2
    one = likelihood.take(np.array([j])).value(eta[[j]], zeta[j])
    assert_allclose(together.value[0, j], one[0], rtol=1e-12)


@EVERY
def test_take_selects_and_reorders(family):
    likelihood, eta = bound(family)
    rows = np.array([7, 0, 3, 3, eta.size - 1])
    for part in (rows, slice(2, 9)):
        some = likelihood.take(part)
        for a, b in zip(
            some.derivatives(eta[part], -1.0, order=3),
            likelihood.derivatives(eta, -1.0, order=3),
            strict=True,
        ):
            assert_allclose(a, b[part], rtol=1e-14)


@EVERY
def test_arguments_are_not_modified(family):
    y, n, w, eta = grid(family)
    trials = n if family.name == "binomial" else None
    kept = [a.copy() for a in (y, n, w, eta)]
    likelihood = family.observe(y, trials, w)
    likelihood.derivatives(eta, 0.0, order=3)
    likelihood.expected_weights(eta, 0.0)
    family.start_mean(y, trials, w)
    for a, b in zip((y, n, w, eta), kept, strict=True):
        assert_array_equal(a, b)


# ---- far out --------------------------------------------------------------------

PROBABILITY = [Logit(), Probit(), CLogLog(), LogLog(), Cauchit()]
FAR = [5.0, 20.0, 37.0, 100.0]


@pytest.mark.parametrize("link", PROBABILITY, ids=lambda k: k.name)
def test_tails_of_the_binomial_against_mpmath(link):
    """Full relative precision; below the smallest normal number none is asked for."""
    eta = np.array([s * e for e in [0.3, 2.9, 3.1, 8.0, *FAR] for s in (1, -1)])
    family = Binomial(link)
    for y in (0.0, 1.0):
        found = family.observe(np.full(eta.size, y)).derivatives(eta, order=3)
        for i, e in enumerate(eta):
            with mp.workdps(120):  # the curvature at 100 is 1e-44 beside a value of 100
                wanted = exact(family, (y, 1, 1), e, 0, [(k, 0) for k in range(4)])
            for d, reference in zip(found, wanted, strict=True):
                assert_allclose(d[i], reference, rtol=2e-12, atol=1e-290)


@pytest.mark.parametrize("link", PROBABILITY, ids=lambda k: k.name)
def test_a_step_far_too_long_still_has_a_slope(link):
    """Where exp(-eta) is no number the likelihood of the other outcome still is."""
    for y in (0.0, 1.0):
        eta = np.array([-800.0, -1e6] if y else [800.0, 1e6])
        if link.name == ("loglog" if y else "cloglog"):
            continue  # its logarithm is -exp(800)
        found = Binomial(link).observe(np.full(2, y)).derivatives(eta, order=3)
        for d in found:
            assert np.isfinite(d).all()
        assert (found.d1 * (2 * y - 1) > 0).all()


SAFE = [f for f in PAIRS if f.link.name in ("log", *(k.name for k in PROBABILITY))]


@pytest.mark.parametrize("family", SAFE, ids=label)
@pytest.mark.parametrize("far", [40.0, 300.0, 700.0])
def test_nothing_but_numbers_far_out(family, far):
    """No warning, and no NaN unless the square of the mean overflows."""
    y, n, w, _ = grid(family)
    likelihood = family.observe(y, n if family.name == "binomial" else None, w)
    bounded = family.name == "binomial" and family.link.name == "log"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for eta in [np.full(y.size, -far), np.full(y.size, far)][: 1 if bounded else 2]:
            every = [
                *likelihood.derivatives(eta, 0.0, order=3),
                likelihood.expected_weights(eta, 0.0),
            ]
            if family.dispersion_name:
                every += likelihood.dispersion_derivatives(eta, 0.0)
            shown = every[0] > -np.inf
            assert shown.all() or family.name in ("inverse_gaussian", "gaussian")
            for a in every:
                assert np.isfinite(a[shown]).all()
            assert (likelihood.expected_weights(eta, 0.0) >= 0).all()


def out_of_domain(family):
    """Linear predictors at which there is no distribution."""
    out = [] if family.link.name == "log" else [-2.0, -0.1, 0.0]
    if family.name == "binomial":
        out.append(float(family.linear_predictor(1.2)))
    return out


@pytest.mark.parametrize(
    "family",
    [f for f in PAIRS if f.link not in PROBABILITY and f.name != "gaussian"],
    ids=label,
)
def test_outside_the_domain_the_value_is_minus_infinity(family):
    """And the derivatives are numbers, so a step can be halved."""
    likelihood, eta = bound(family)
    assert np.isfinite(likelihood.value(eta, 0.0)).all()
    for bad in out_of_domain(family):
        at = eta.copy()
        at[::2] = bad
        found = likelihood.derivatives(at, 0.0, order=3)
        assert (found.value[::2] == -np.inf).all()
        assert np.isfinite(found.value[1::2]).all()
        assert_array_equal(likelihood.value(at, 0.0), found.value)
        assert all(np.isfinite(d).all() for d in found[1:])


@pytest.mark.parametrize("link", Gaussian.links)
def test_gaussian_means_may_be_negative(link):
    likelihood, eta = bound(Gaussian(link))
    assert np.isfinite(likelihood.value(-eta, 0.0)).all()


@pytest.mark.parametrize("zeta", [-15.0, -25.0, -30.0, -36.0])
def test_negative_binomial_tends_to_poisson(zeta):
    """The density, its derivatives, and (y - mu)^2 - y over 2 as slope in alpha."""
    y = np.array([0.0, 1.0, 2.0, 17.0, 18.0, 300.0])
    eta = np.array([-3.0, 0.5, 2.0, 3.0, 1.0, 5.5])
    alpha, mu = np.exp(zeta), np.exp(eta)
    nb, poisson = NegativeBinomial().observe(y), Poisson().observe(y)
    for a, b in zip(
        nb.derivatives(eta, zeta, order=3),
        poisson.derivatives(eta, order=3),
        strict=True,
    ):
        assert_allclose(a, b, rtol=1e-12 + 1e3 * alpha, atol=1e5 * alpha)
    slopes = nb.dispersion_derivatives(eta, zeta)
    wanted = (((y - mu) ** 2 - y) / 2, -mu * (y - mu), -mu * (y - 2 * mu))
    for a, b in zip(slopes, wanted, strict=True):
        assert_allclose(a / alpha, b, rtol=1e-10 + 1e3 * alpha)


# ---- moments --------------------------------------------------------------------


def expectation(family, function, mu, dispersion, n):
    """Of a function of y, by summation or quadrature."""
    distribution = frozen(family, mu, dispersion, np.array(n))
    if family.name in ("binomial", *COUNTS):
        y = np.arange(float(n) + 1 if family.name == "binomial" else 3000.0)
        return np.sum(function(y) * distribution.pmf(y))
    nodes, weights = np.polynomial.legendre.leggauss(400)
    low, high = distribution.ppf([1e-17, 1 - 1e-15])
    low = low if np.isfinite(low) else distribution.mean() - 9 * distribution.std()
    if family.name == "gaussian":
        y = low + (high - low) * (nodes + 1) / 2
        return np.sum(weights * function(y) * distribution.pdf(y)) * (high - low) / 2
    a, b = np.log(max(low, 1e-30)), np.log(high)
    y = np.exp(a + (b - a) * (nodes + 1) / 2)
    return np.sum(weights * function(y) * distribution.pdf(y) * y) * (b - a) / 2


@EVERY
def test_expected_weights_are_the_expected_curvature(family):
    n = 6
    means = (0.2, 0.7) if family.name == "binomial" else (0.4, 2.5)
    for mu in means:
        at = float(family.linear_predictor(mu))

        def curvature(y, at=at):
            trials = np.full(y.size, n) if family.name == "binomial" else None
            bound_to_y = family.observe(y, trials)
            return -bound_to_y.derivatives(np.full(y.size, at), np.log(0.3)).d2

        wanted = expectation(family, curvature, mu, 0.3, n)
        trials = np.array([n]) if family.name == "binomial" else None
        one = family.observe(np.array([1.0]), trials)
        found = one.expected_weights(np.array([at]), np.log(0.3))
        assert_allclose(found[0], wanted, rtol=1e-8)
        slope = family.mean_derivative(at)
        size = n if family.name == "binomial" else 1
        variance = family.variance(mu, 0.3)
        assert_allclose(found[0], size * slope**2 / variance, rtol=1e-12)
        double = family.observe(np.array([1.0]), trials, np.array([2.0]))
        assert_allclose(
            double.expected_weights(np.array([at]), np.log(0.3)), 2 * found, rtol=1e-14
        )


DRAWN = [kind() for kind in FAMILIES.values()] + [NegativeBinomial(alpha=0.5)]


@pytest.mark.parametrize("family", DRAWN, ids=label)
def test_draws_have_the_mean_and_the_variance(family):
    rng = np.random.default_rng(3)
    count, w = 200_000, 2.0
    mu = np.full(count, 0.3 if family.name == "binomial" else 1.7)
    trials = np.full(count, 4) if family.name == "binomial" else None
    weights = np.full(count, w) if family.dispersion_name == "dispersion" else None
    y = family.draw(mu, 0.4, trials, weights, rng)
    family.check(y, trials)
    size = 4 if trials is not None else 1
    variance = size * family.variance(mu[0], 0.4) / (w if weights is not None else 1)
    mean_error = np.sqrt(variance / count)
    assert abs(y.mean() - size * mu[0]) < 4 * mean_error
    squares = (y - size * mu[0]) ** 2
    assert abs(squares.mean() - variance) < 4 * squares.std() / np.sqrt(count)
    again = family.draw(mu, 0.4, trials, weights, np.random.default_rng(3))
    assert_array_equal(y, again)
    assert family.draw(np.stack([mu, mu]), 0.4, trials, weights, rng).shape == (
        2,
        count,
    )


@pytest.mark.parametrize("family", [f for f in DRAWN if f.dispersion_name], ids=label)
def test_start_of_the_dispersion_is_near_it(family):
    rng = np.random.default_rng(5)
    mu = np.exp(rng.normal(size=20_000) * 0.3 + 1)
    y = family.draw(mu, 0.2, None, None, rng)
    assert_allclose(family.start_dispersion(y, mu), 0.2, rtol=0.2)
    w = rng.uniform(1, 3, mu.size)
    if family.dispersion_name == "dispersion":
        y = family.draw(mu, 0.2, None, w, rng)
    assert_allclose(family.start_dispersion(y, mu, w), 0.2, rtol=0.2)
    assert family.start_dispersion(np.ones(4), np.ones(4)) > 0
    assert family.start_dispersion(y, y) > 0


@EVERY
def test_starts_are_inside_the_domain(family):
    y, n, w, _ = grid(family)
    trials = n if family.name == "binomial" else None
    mu = family.start_mean(y, trials, w)
    eta = family.linear_predictor(mu)
    assert np.isfinite(eta).all()
    assert np.isfinite(family.observe(y, trials, w).value(eta, 0.0)).all()
    assert_allclose(family.mean(eta), mu, rtol=1e-12)


# ---- statsmodels as reference ----------------------------------------------------

SM = {
    "binomial": sm.families.Binomial(),
    "poisson": sm.families.Poisson(),
    "gamma": sm.families.Gamma(),
    "inverse_gaussian": sm.families.InverseGaussian(),
    "gaussian": sm.families.Gaussian(),
    "negative_binomial": sm.families.NegativeBinomial(alpha=0.5),
}


@pytest.mark.parametrize("name", FAMILIES)
def test_deviance_and_variance_are_those_of_statsmodels(name):
    family = as_family(name)
    y = np.array([0.0, 0.25, 0.5, 1.0])
    mu = np.array([0.1, 0.3, 0.5, 0.9])
    if name != "binomial":
        y, mu = y * 8 + (name in ("gamma", "inverse_gaussian")), mu * 7
    theirs = SM[name]
    assert_allclose(
        family.unit_deviance(y, mu, 0.5),
        theirs.resid_dev(y, mu) ** 2,
        rtol=1e-12,
        atol=1e-13,
    )
    scale = 1.0 if name == "negative_binomial" else 0.5
    if name in ("binomial", "poisson"):
        scale = 1.0
    assert_allclose(family.variance(mu, 0.5), theirs.variance(mu) * scale, rtol=1e-9)


@pytest.mark.parametrize("name", FAMILIES)
def test_unit_deviance_is_twice_the_gap_to_a_perfect_fit(name):
    family = as_family(name)
    y, mu = np.array([1.0, 3.0, 4.0]), np.array([2.0, 0.5, 4.5])
    trials, size = None, 1
    if name == "binomial":
        trials, size, mu = np.full(3, 5), 5, mu / 5
    likelihood = family.observe(y, trials)
    zeta = np.log(0.5)
    perfect = likelihood.value(family.linear_predictor(y / size), zeta)
    gap = perfect - likelihood.value(family.linear_predictor(mu), zeta)
    scale = 0.5 if family.dispersion_name == "dispersion" else 1.0
    assert_allclose(
        size * family.unit_deviance(y / size, mu, 0.5), 2 * gap * scale, rtol=1e-10
    )


# ---- checks ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "name, y, trials, message",
    [
        ("poisson", [1, -2, 3], None, r"whole number.*-2 in row 1 .*from 0\)\. Give"),
        ("poisson", [1, 0.5], None, r"whole number.*0\.5 in row 1"),
        ("negative_binomial", [1, 0.5], None, r"negative_binomial.*0\.5 in row 1"),
        ("poisson", [np.nan, 1], None, r"missing or infinite: nan in row 0"),
        ("gaussian", [1, np.inf], None, r"missing or infinite: inf in row 1"),
        ("gamma", [1, 0, 2], None, r"gamma family is positive: 0 in row 1"),
        ("inverse_gaussian", [-1, 2], None, r"inverse_gaussian .*: -1 in row 0"),
        ("binomial", [0, 1, 2], None, r"is 0 or 1: 2 in row 2 .*numbers of trials"),
        ("binomial", [0, 0.4], None, r"is 0 or 1: 0\.4 in row 1"),
        ("binomial", [3, 1], [2, 2], r"More successes than trials: 3 in row 0"),
        ("binomial", [1, -1], [2, 2], r"successes are whole, 0 or more: -1 in row 1"),
        ("binomial", [1, 0.5], [2, 2], r"successes are whole, 0 or more: 0\.5 in row"),
        ("binomial", [1, 1], [2, 1.5], r"trials are whole, 0 or more: 1\.5 in row 1"),
        ("binomial", [1, 1], [np.nan, 2], r"trials are whole, 0 or more: nan in row"),
    ],
)
def test_responses_outside_the_domain_are_refused(name, y, trials, message):
    with pytest.raises(DataError, match=message):
        as_family(name).check(np.array(y), trials)


def test_five_rows_are_named():
    with pytest.raises(DataError, match=r"row 5, .*row 9 and 2 more") as error:
        Poisson().check(np.r_[np.ones(5), -np.ones(7)])
    assert "row 10" not in str(error.value)


@EVERY
def test_data_in_the_domain_pass(family):
    y, n, _, _ = grid(family)
    family.check(y, n if family.name == "binomial" else None)


# ---- names and foreign families ---------------------------------------------------


@EVERY
def test_families_are_values(family):
    twin = pickle.loads(pickle.dumps(family))
    assert twin == family and hash(twin) == hash(family)
    assert len(set(PAIRS)) == len(PAIRS)
    with pytest.raises(AttributeError):
        family.link = Log()
    likelihood, eta = bound(family)
    copy = pickle.loads(pickle.dumps(likelihood))
    assert_array_equal(copy.value(eta, 0.0), likelihood.value(eta, 0.0))


@pytest.mark.parametrize(
    "name, kind",
    [
        *FAMILIES.items(),
        ("Bernoulli", Binomial),
        ("NegativeBinomial", NegativeBinomial),
        ("Negative Binomial", NegativeBinomial),
        ("nbinom2", NegativeBinomial),
        ("NB2", NegativeBinomial),
        ("InverseGaussian", InverseGaussian),
        ("inverse-gaussian", InverseGaussian),
        ("Normal", Gaussian),
        ("POISSON", Poisson),
    ],
)
def test_families_by_name(name, kind):
    assert as_family(name) == kind()


def test_unknown_names():
    with pytest.raises(FamilyError, match=r"'poison'.*mean 'poisson'.*Known: binomial"):
        as_family("poison")
    with pytest.raises(FamilyError, match=r"no link 'probbit'.*mean 'probit'.*Known"):
        Binomial("probbit")
    with pytest.raises(FamilyError, match="no family known here"):
        as_family(sm.families.Tweedie())
    with pytest.raises(FamilyError, match="no family known here"):
        as_family(3)


@pytest.mark.parametrize("family", SM.values(), ids=SM)
def test_families_of_statsmodels_are_mapped_and_left_alone(family):
    before = pickle.dumps(vars(family))
    ours = as_family(family)
    assert pickle.dumps(vars(family)) == before
    assert ours.name == dict(zip(map(id, SM.values()), SM, strict=True))[id(family)]
    eta = np.array([0.1, 0.4, 0.8])
    assert_allclose(ours.mean(eta), family.link.inverse(eta), rtol=1e-13)
    other = as_family(family, "log")
    assert other.link == Log() and as_family(family) == ours


def test_alpha_of_statsmodels():
    """An object of statsmodels holds alpha, at its default too; the class has none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        default = sm.families.NegativeBinomial()
    assert as_family(default).alpha == 1.0
    assert as_family(default).dispersion_name is None
    assert as_family(SM["negative_binomial"]) == NegativeBinomial(alpha=0.5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert as_family(sm.families.NegativeBinomial) == NegativeBinomial()
    assert NegativeBinomial().dispersion_name == "alpha"
    with pytest.raises(FamilyError, match="use a positive number"):
        NegativeBinomial(alpha=0)


def test_defaults():
    """Ours: log for positive responses. Statsmodels' objects keep their own."""
    assert Gamma().link == Log() == InverseGaussian().link
    assert as_family(sm.families.Gamma()).link.name == "inverse"
    assert as_family(sm.families.Gamma).link.name == "inverse"
    assert as_family(sm.families.InverseGaussian()).link.name == "inverse_squared"
    assert as_family(Binomial) == Binomial(Logit())
    assert as_family(Binomial("probit")) == Binomial(Probit())
    assert as_family("gamma", Power(3)) == Gamma(Power(3.0))


L = sm.families.links


@pytest.mark.parametrize(
    "theirs, ours",
    [
        (L.Logit(), "logit"),
        (L.Probit(), "probit"),
        (L.CLogLog(), "cloglog"),
        (L.LogLog(), "loglog"),
        (L.Cauchy(), "cauchit"),
        (L.Log(), "log"),
        (L.Identity(), "identity"),
        (L.InversePower(), "inverse"),
        (L.Sqrt(), "sqrt"),
        (L.InverseSquared(), "inverse_squared"),
        (L.Power(3.0), "power"),
        (L.Power(0.5), "sqrt"),
    ],
)
def test_links_of_statsmodels(theirs, ours):
    link = as_link(theirs)
    assert link == LINK[ours]
    if type(theirs) is not L.Power:
        assert as_link(type(theirs)) == link
    mu = np.array([0.1, 0.35, 0.5, 0.8])
    eta = theirs(mu)
    assert_allclose(link.linear_predictor(mu), eta, rtol=1e-12, atol=1e-15)
    assert_allclose(link.mean(eta), mu, rtol=1e-12)
    assert_allclose(link.mean_derivative(eta), theirs.inverse_deriv(eta), rtol=1e-9)


@pytest.mark.parametrize(
    "link", [L.LogC(), L.CDFLink(st.logistic), L.NegativeBinomial(), 3, Poisson()]
)
def test_links_that_are_not_known(link):
    with pytest.raises(FamilyError, match="no link known here"):
        as_link(link)


@pytest.mark.parametrize(
    "kind, link",
    [(Poisson, "logit"), (Gaussian, "sqrt"), (Gaussian, Power(3)), (Gamma, Probit())],
)
def test_pairs_that_are_not_defined(kind, link):
    with pytest.raises(FamilyError, match=rf"has no .* link.*Use .*{kind.links[-1]}"):
        kind(link)


@pytest.mark.parametrize("order", [0, 2, 3])
@pytest.mark.parametrize("weights", [None, "given"])
def test_blocks_of_rows_are_the_whole(order, weights, monkeypatch):
    """Large arrays are worked on piece by piece."""
    rng = np.random.default_rng(0)
    eta, y = rng.standard_normal(50), rng.integers(0, 4, 50) * 1.0
    w = None if weights is None else rng.uniform(0.5, 2.0, 50)
    likelihood = NegativeBinomial().observe(y, weights=w)
    whole = likelihood.derivatives(eta, -0.5, order)
    monkeypatch.setattr("statsmodels_mixed.families.base.BLOCK", 8)
    pieces = likelihood.derivatives(eta, -0.5, order)
    for a, b in zip(whole, pieces, strict=True):
        assert (a is None) == (b is None)
        if a is not None:
            np.testing.assert_allclose(b, a, rtol=1e-13)
