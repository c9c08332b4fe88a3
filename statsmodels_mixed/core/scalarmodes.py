"""Many scalar equations at once: damped Newton steps, and modes of levels."""

from __future__ import annotations

import numpy as np

MAX_STEPS = 100
# A Newton step below this is taken as it is, and is the last: what remains is of the
# order of its square.
LAST = 1e-7
ROUNDING = 1e-14  # of a height, relative
# Newton steps are not trusted on a density flatter than this; log N(0, 1) alone has 1.
FLATTEST = 0.1


def climb(evaluate, start, last=LAST):
    """Newton steps on many scalars, each halved until its own height rises.

    Parameters
    ----------
    evaluate : callable
        Of an array like `start`; gives an object with arrays of that shape ``height``
        and ``step``, the Newton step.
    start : ndarray
    last : float
        Length of a step that is taken as it is, and ends the search.

    Returns
    -------
    u : ndarray
    found : object
        What `evaluate` gives at u.
    """
    u, found = start, evaluate(start)
    height, step, alpha = found.height, found.step, np.ones_like(start)
    for _ in range(MAX_STEPS):
        if not np.isfinite(height).all():
            break
        small = np.abs(step) < last
        trial = u + alpha * step
        found = evaluate(trial)
        noise = ROUNDING * (1.0 + np.abs(height))
        good = small | (found.height >= height - noise)
        u, step = np.where(good, trial, u), np.where(good, found.step, step)
        height = np.where(good, found.height, height)
        alpha = np.where(good, 1.0, 0.5 * alpha)
        if small.all():
            break
    return u, found


class LevelDensity:
    """``g(u) = sum l_i(o_i + z_i lambda u) - u^2/2`` of each level, one effect each.

    Parameters
    ----------
    rule : LevelRule
        Of a factor with one effect.
    fixed : ndarray, shape (..., n)
        Offsets o.
    scale : float
        lambda.
    zeta : float
    u : ndarray, shape (..., m)

    Attributes
    ----------
    height : ndarray, shape (..., m)
        g.
    step : ndarray, shape (..., m)
        Newton step, with expected weights where the level's density is not concave.
    """

    def __init__(self, rule, fixed, scale, zeta, u):
        group, likelihood = rule.group, rule.likelihood
        eta = fixed + group.spread(scale * u[..., None])
        d = likelihood.derivatives(eta, zeta, order=2)
        curvature = scale**2 * group.gram(-d.d2)[..., 0, 0] + 1.0
        concave = curvature > FLATTEST
        if not concave.all():
            w = likelihood.expected_weights(eta, zeta)
            expected = scale**2 * group.gram(w)[..., 0, 0] + 1.0
            curvature = np.where(concave, curvature, expected)
        self.step = (scale * group.collect(d.d1)[..., 0] - u) / curvature
        self.height = group.total(d.value) - 0.5 * u**2


def scalar_modes(rule, fixed, scale, zeta, start, otherwise):
    """The u of each level that maximises its `LevelDensity`.

    The search begins at `start`; where the rows of a level have no density there, at
    `otherwise`.
    """

    def density(u):
        return LevelDensity(rule, fixed, scale, zeta, u)

    u, found = climb(density, start)
    possible = np.isfinite(found.height)
    if possible.all():
        return u
    return climb(density, np.where(possible, start, otherwise))[0]
