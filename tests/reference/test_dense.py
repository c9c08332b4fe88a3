"""The dense reference against R: the criterion at the stored parameters, and more.

It also checks the stored fits themselves: that data, derived columns and names are the
ones R had.
"""

import re

import numpy as np
import pytest

from .dense import dense_fit, deviance, numerical_gradient, theta_to_lambdas
from .hand_split import HAND_SPLIT, by_key, problem
from .left_out import LEFT_OUT
from .loader import (
    coefficient_key,
    covariance_entries,
    covariance_of,
    golds,
    level_key,
)


def stem(name):
    return re.sub(r"_(re)?ml$", "", name)


CASES = [name for name in golds() if stem(name) in HAND_SPLIT]


def factor(cov):
    """Return a square root of a covariance that may be singular."""
    values, vectors = np.linalg.eigh(cov)
    return vectors * np.sqrt(np.maximum(values, 0.0))


def lambdas_of(gold, terms):
    """From theta where lme4 stored it, else from the relative covariances."""
    if gold["theta_names"]:
        return theta_to_lambdas(gold["theta"], [z.shape[1] for z, *_ in terms])
    entries = covariance_entries(gold)
    return [factor(covariance_of(entries, group, z)) for z, _, group, _ in terms]


def evaluate(gold):
    y, X, terms, extra = problem(gold, HAND_SPLIT[stem(gold["id"])])
    lambdas = lambdas_of(gold, terms)
    arrays = [(z, c, lam) for (z, c, *_), lam in zip(terms, lambdas, strict=True)]
    return dense_fit(y, X, arrays, gold["reml"], **extra), X, terms


def test_every_gold_fit_is_kept_once():
    assert len(CASES) > 80
    assert not set(golds()) & set(LEFT_OUT)
    assert {stem(name) for name in CASES} == set(HAND_SPLIT)


@pytest.mark.parametrize("name", CASES)
def test_criterion_and_estimates_at_the_stored_parameters(name):
    gold = golds()[name]
    fit, X, _ = evaluate(gold)
    assert fit.deviance == pytest.approx(gold["criterion"], rel=1e-10)
    # nlme and glmmTMB stop with parameters good to about 1e-7
    rtol = 1e-8 if gold["package"].startswith("lme4 1") else 1e-6
    beta = by_key(X, fit.beta)
    se = by_key(X, np.sqrt(np.diag(fit.cov_beta)))
    for r_name, value in gold["fixef"].items():
        key = coefficient_key(r_name)
        assert se[key] == pytest.approx(gold["se"][r_name], rel=rtol)
        assert beta[key] == pytest.approx(value, rel=rtol, abs=rtol * se[key])
    assert np.sqrt(fit.sigma2) == pytest.approx(gold["sigma"], rel=rtol)
    np.testing.assert_allclose(fit.fitted[:10], gold["fitted"], rtol=rtol)


@pytest.mark.parametrize("name", CASES)
def test_random_effects_at_the_stored_parameters(name):
    gold = golds()[name]
    fit, _, terms = evaluate(gold)
    mine = {}
    for b, (z, _, group, levels) in zip(fit.b, terms, strict=True):
        for level, row in zip(levels, b, strict=True):
            for effect, value in zip(z, row, strict=True):
                mine[level_key(group, level), coefficient_key(effect)] = value
    sigma = np.sqrt(fit.sigma2)
    compared = 0
    for group, entry in gold["ranef"].items():
        for level, row in zip(entry["levels"], entry["b"], strict=True):
            for effect, value in zip(entry["effects"], row, strict=True):
                key = level_key(group, level), coefficient_key(effect)
                assert mine[key] == pytest.approx(value, rel=1e-5, abs=1e-6 * sigma)
                compared += 1
    assert compared


def test_theta_is_read_column_by_column():
    lam, single = theta_to_lambdas([1, 2, 3, 4, 5, 6, 7], [3, 1])
    np.testing.assert_array_equal(lam, [[1, 0, 0], [2, 4, 0], [3, 5, 6]])
    np.testing.assert_array_equal(single, [[7]])
    first, second = theta_to_lambdas([1, 2, 3], [2, 1], "diag")
    np.testing.assert_array_equal(first, np.diag([1, 2]))
    np.testing.assert_array_equal(second, [[3]])


@pytest.mark.parametrize("name", ["sleep_slope_ml", "sleep_weights_reml", "pixel_reml"])
def test_gradient_vanishes_at_the_stored_parameters(name):
    gold = golds()[name]
    y, X, terms, extra = problem(gold, HAND_SPLIT[stem(name)])

    def function(theta):
        lambdas = theta_to_lambdas(theta, [z.shape[1] for z, *_ in terms])
        arrays = [(z, c, lam) for (z, c, *_), lam in zip(terms, lambdas, strict=True)]
        return deviance(y, X, arrays, gold["reml"], **extra)

    gradient = numerical_gradient(function, gold["theta"])
    # R's own numerical gradient there is below 4e-7
    assert np.abs(gradient).max() < 1e-5


def test_numerical_gradient_of_a_known_function():
    x = np.array([0.3, -2.0])
    gradient = numerical_gradient(lambda v: np.exp(v[0]) * v[1] ** 3, x)
    expected = np.exp(0.3) * np.array([-8.0, 12.0])
    np.testing.assert_allclose(gradient, expected, rtol=1e-9)


def test_without_random_effects_it_is_least_squares():
    rng = np.random.default_rng(1)
    X, y = rng.normal(size=(12, 2)), rng.normal(size=12)
    term = (np.ones((12, 1)), np.repeat(np.arange(4), 3), np.zeros((1, 1)))
    fit = dense_fit(y, X, [term], reml=True)
    beta, rss = np.linalg.lstsq(X, y, rcond=None)[:2]
    np.testing.assert_allclose(fit.beta, beta)
    np.testing.assert_allclose(fit.sigma2, rss[0] / 10)
    assert not np.any(fit.b[0])


def test_integer_weights_repeat_rows_up_to_a_constant():
    rng = np.random.default_rng(2)
    codes, x = np.repeat(np.arange(5), 4), rng.normal(size=20)
    weights = rng.integers(1, 4, size=20)
    y, X = rng.normal(size=20), np.column_stack([np.ones(20), x])
    z, lam = X, np.array([[0.7, 0.0], [0.2, 0.4]])
    fit = dense_fit(y, X, [(z, codes, lam)], False, weights=weights)
    i = np.repeat(np.arange(20), weights)
    many = dense_fit(y[i], X[i], [(z[i], codes[i], lam)], False)
    # same normal equations; n differs, so sigma2 and the value do
    np.testing.assert_allclose(fit.beta, many.beta)
    np.testing.assert_allclose(fit.b[0], many.b[0])
    np.testing.assert_allclose(fit.sigma2 * 20, many.sigma2 * len(i))
