"""Links by themselves, and the elementary functions the kernels are made of."""

import pickle

import mpmath as mp
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from statsmodels_mixed.errors import FamilyError
from statsmodels_mixed.families import LINKS, Log, Power, as_link
from statsmodels_mixed.families.jets import compose, logistic, mirror, scaled
from statsmodels_mixed.families.probability_links import (
    MILLS_FROM,
    _mills,
    _mills_tail,
)
from statsmodels_mixed.families.special import (
    gamma_normaliser,
    gamma_normaliser_slope,
    log1mexp,
    log1pmx,
    rising_factorial,
)

EVERY = pytest.mark.parametrize("link", [*LINKS.values(), Power(3.0)], ids=str)


def mpmath(function, *arrays):
    """A function of mpmath numbers at each element, in 60 digits."""
    with mp.workdps(60):
        rows = zip(*(np.broadcast_arrays(*arrays)), strict=True)
        return np.array([float(function(*map(mp.mpf, map(float, r)))) for r in rows])


# ---- links ------------------------------------------------------------------------


@EVERY
def test_the_inverse_undoes_the_link(link):
    mu = np.array([1e-8, 0.01, 0.4, 0.5, 0.93, 1 - 1e-6])
    assert_allclose(link.mean(link.linear_predictor(mu)), mu, rtol=1e-8)


@EVERY
def test_mean_and_complement_add_to_one(link):
    eta = link.linear_predictor(np.array([0.01, 0.3, 0.5, 0.8, 0.999]))
    mean, rest = next(link.log_mean(eta)), next(link.log_complement(eta))
    assert_allclose(np.exp(mean) + np.exp(rest), 1.0, rtol=1e-14)
    assert_allclose(np.exp(mean), link.mean(eta), rtol=1e-14)


@EVERY
def test_derivative_of_the_mean(link):
    eta = link.linear_predictor(np.array([0.05, 0.3, 0.5, 0.8, 0.97]))
    h = 1e-5 * np.where(np.abs(eta) < 1e-9, 1.0, np.abs(eta))
    difference = (link.mean(eta + h) - link.mean(eta - h)) / (2 * h)
    assert_allclose(link.mean_derivative(eta), difference, rtol=1e-7)


@EVERY
def test_both_logarithms_give_the_same_slope_of_the_mean(link):
    """mu' = mu (log mu)' = -(1 - mu) (log(1 - mu))', and so on to order three."""
    eta = link.linear_predictor(np.array([0.05, 0.3, 0.5, 0.8, 0.97]))
    up = compose(iter([np.exp(next(link.log_mean(eta)))] * 4), tail(link.log_mean(eta)))
    rest = np.exp(next(link.log_complement(eta)))
    down = compose(iter([-rest] * 4), tail(link.log_complement(eta)))
    next(up), next(down)
    for order, (a, b) in enumerate(zip(up, down, strict=True)):
        assert_allclose(a, b, rtol=1e-9, atol=1e-9, err_msg=str(order))


def tail(jet):
    next(jet)
    return jet


@EVERY
def test_information_is_the_square_of_the_slope_over_the_variance(link):
    mu = np.array([0.05, 0.3, 0.5, 0.8, 0.97])
    eta = link.linear_predictor(mu)
    wanted = link.mean_derivative(eta) ** 2 / (mu * (1 - mu))
    assert_allclose(link.information(eta), wanted, rtol=1e-11)


@EVERY
def test_links_are_values(link):
    twin = pickle.loads(pickle.dumps(link))
    assert twin == link and hash(twin) == hash(link)
    assert as_link(link) is link


def test_names_of_links():
    for name, link in LINKS.items():
        assert link.name == name
        assert as_link(name.upper()) == link
    assert as_link("Cauchy") == LINKS["cauchit"]
    assert as_link("inverse power") == LINKS["inverse"]
    assert as_link(Log) == Log()
    assert Power(2).name == "power" and Power(1) == LINKS["identity"]


@pytest.mark.parametrize("power", [0, np.inf, np.nan])
def test_powers_that_are_no_links(power):
    with pytest.raises(FamilyError, match="log link, the limit at 0"):
        Power(power)


# ---- jets -------------------------------------------------------------------------


def test_compose_is_the_chain_rule():
    """exp(sin x), whose derivatives are known."""
    x = np.array([0.3, 1.2, -2.0])
    s, c = np.sin(x), np.cos(x)
    found = list(compose(iter([np.exp(s)] * 4), iter([c, -s, -c])))
    wanted = [1, c, c**2 - s, c**3 - 3 * s * c - c]
    for a, b in zip(found, wanted, strict=True):
        assert_allclose(a, np.exp(s) * b, rtol=1e-13)


def test_mirror_and_scaled():
    assert list(mirror(iter([1.0, 2.0, 3.0, 4.0]))) == [1.0, -2.0, 3.0, -4.0]
    jet = iter([1.0, 2.0])
    assert scaled(None, jet) is jet
    assert list(scaled(3.0, jet)) == [3.0, 6.0]


def test_logistic_is_smooth_at_zero():
    """The third derivative vanishes there to first order; its slope is -2 d4."""
    x = np.array([1e-12, -1e-12, 0.0])
    third = list(logistic(x, 1.0, 0.0))[3]
    assert_allclose(third, x / 8, rtol=1e-12)


# ---- special functions ----------------------------------------------------------


def test_log1mexp():
    x = -np.r_[1e-300, 1e-12, 0.1, 0.69, 0.7, 3.0, 50.0, 700.0]
    wanted = mpmath(lambda v: mp.log(-mp.expm1(v)) if v > -1 else -series(v), x)
    assert_allclose(log1mexp(x), wanted, rtol=1e-14)


def series(v):
    return sum(mp.exp(k * v) / k for k in range(1, 60))


def test_log1pmx():
    x = np.r_[-0.9, -0.5001, -0.4999, -1e-3, -1e-12, 1e-15, 0.01, 0.4999, 0.5001, 1e5]
    wanted = mpmath(lambda v: mp.log(1 + v) - v, x)
    assert_allclose(log1pmx(x), wanted, rtol=3e-15)


SHAPES = np.r_[1e-8, 0.03, 1.0, 7.5, 15.999, 16.001, 100.0, 1e6, 1e13]


def test_gamma_normaliser():
    wanted = mpmath(lambda a: a * mp.log(a) - a - mp.loggamma(a), SHAPES)
    assert_allclose(gamma_normaliser(SHAPES), wanted, rtol=1e-13)
    wanted = mpmath(lambda a: a * (mp.log(a) - mp.digamma(a)), SHAPES)
    assert_allclose(gamma_normaliser_slope(SHAPES), wanted, rtol=1e-13)


@pytest.mark.parametrize("log_alpha", [-30.0, -18.0, -7.0, -2.8, 0.0, 4.0, 20.0])
def test_rising_factorial(log_alpha):
    y = np.r_[0.0, 1.0, 2.0, 15.0, 16.0, 17.0, 18.0, 60.0, 1e3, 1e6, 1e9]
    alpha = np.exp(log_alpha)
    value, slope = rising_factorial(y, alpha)

    def exact(n):
        k = 1 / mp.mpf(alpha)
        return mp.loggamma(n + k) - mp.loggamma(k) - n * mp.log(k)

    def exact_slope(n):
        k = 1 / mp.mpf(alpha)
        return n - k * (mp.digamma(n + k) - mp.digamma(k))

    assert_array_equal(value[:2], 0.0)
    assert_allclose(value[2:], mpmath(exact, y[2:]), rtol=2e-13)
    assert_allclose(slope[2:], mpmath(exact_slope, y[2:]), rtol=2e-13)


def test_the_continued_fraction_meets_the_closed_form():
    """Just inside the tail both are good; far out only the fraction is."""
    z = np.array([MILLS_FROM, 3.5, 5.0, 30.0, 1000.0])
    g, h, i = _mills_tail(z)
    gap = mpmath(lambda v: mp.npdf(v) / mp.ncdf(-v) - v, z)
    assert_allclose(g, gap, rtol=1e-14)
    third = mpmath(lambda v: third_over_ratio(v), z)
    assert_allclose(g * g * h * (i - h), third, rtol=1e-12)
    near = np.array([-MILLS_FROM + 1e-9, -1.0, 0.0, 2.0])
    found = _mills(near)[2]
    assert_allclose(found, mpmath(lambda v: third_over_ratio(-v), near), rtol=1e-11)


def third_over_ratio(z):
    m = mp.npdf(z) / mp.ncdf(-z)
    return (m - z) * (2 * m - z) - 1
