"""Small designs of every shape the engine knows, with their dense counterparts.

A `Case` holds plain arrays. The package sees them through its array interface; the
dense side builds Z column by column and inverts n x n matrices.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from statsmodels_mixed.design.arrays import design_from_arrays
from statsmodels_mixed.fitting import GaussianModel
from statsmodels_mixed.linalg import BlockGram, Coupling
from statsmodels_mixed.models.random import RandomEffects

from .dense import deviance


def labels(codes):
    """Number the values that occur from zero, as sorted levels are."""
    return np.unique(codes, return_inverse=True)[1]


# ---- Gram matrices of grouping factors: (codes, z) pairs --------------------------


def crossed(n, sizes, seed=0):
    """Factors with (m, k) = sizes crossed at random; every level occurs."""
    rng = np.random.default_rng(seed)
    out = []
    for m, k in sizes:
        codes = rng.integers(0, m, n)
        codes[:m] = np.arange(m)
        out.append((codes, rng.standard_normal((n, k))))
    return out


def nested(n, fanouts, ks, seed=0):
    """Factors each nested in the one before it."""
    rng = np.random.default_rng(seed)
    codes, out = np.zeros(n, int), []
    for fanout, k in zip(fanouts, ks, strict=True):
        codes = codes * fanout + rng.integers(0, fanout, n)
        out.append((labels(codes), rng.standard_normal((n, k))))
    return out


def gram(factors):
    """`BlockGram` of (codes, z) pairs, added up row by row."""
    diagonals, couplings = [], {}
    for codes, z in factors:
        d = np.zeros((codes.max() + 1, z.shape[1], z.shape[1]))
        np.add.at(d, codes, z[:, :, None] * z[:, None, :])
        diagonals.append(d)
    for s, (first, z_s) in enumerate(factors):
        for t in range(s + 1, len(factors)):
            second, z_t = factors[t]
            pairs, index = np.unique(
                np.column_stack([first, second]), axis=0, return_inverse=True
            )
            data = np.zeros((len(pairs), z_s.shape[1], z_t.shape[1]))
            np.add.at(data, index.ravel(), z_s[:, :, None] * z_t[:, None, :])
            couplings[s, t] = Coupling(pairs[:, 0], pairs[:, 1], data)
    return BlockGram(tuple(diagonals), couplings)


def dense_z(codes, z):
    """The n x mk matrix of one factor, level by level."""
    n, k = z.shape
    out = np.zeros((n, codes.max() + 1, k))
    out[np.arange(n), codes] = z
    return out.reshape(n, -1)


# ---- whole designs ----------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """Arrays of one model; terms are (codes, z or None, group name, structure)."""

    y: np.ndarray
    X: np.ndarray
    terms: tuple
    weights: np.ndarray | None = None
    offset: np.ndarray | None = None

    def model(self):
        """The package's model of these arrays."""
        random = [RandomEffects(c, z, g, s) for c, z, g, s in self.terms]
        X = self.X if self.X.shape[1] else None
        return GaussianModel(
            design_from_arrays(self.y, X, random, self.weights, self.offset, "raise")
        )

    def effects(self, t):
        """Effects of one term, a column of ones for an intercept."""
        z = self.terms[t][1]
        return np.ones((len(self.y), 1)) if z is None else z

    def dense_terms(self, model, theta):
        """Terms (z, codes, factor) of `reference.dense` at internal theta."""
        parts = model.layout.term_factors(theta)
        return [
            (self.effects(t), self.terms[t][0], model.cross.maps[t] @ lam)
            for t, lam in enumerate(parts)
        ]

    def dense_deviance(self, model, theta, reml, y=None):
        """The criterion at internal theta, from its definition."""
        return deviance(
            self.y if y is None else y,
            self.X,
            self.dense_terms(model, theta),
            reml,
            self.weights,
            self.offset,
        )


def _case(groups, n, seed, strength=1.0):
    """y with effects of each term drawn, so that optima are inside as a rule."""
    rng = np.random.default_rng(seed)
    X = np.column_stack([np.ones(n), rng.standard_normal(n), rng.uniform(size=n)])
    y = X @ [3.0, -1.0, 2.0] + rng.standard_normal(n)
    for codes, z, *_ in groups:
        values = np.ones((n, 1)) if z is None else z
        b = strength * rng.standard_normal((codes.max() + 1, values.shape[1]))
        y += (values * b[codes]).sum(axis=1)
    return Case(y, X, tuple(groups))


def _one(k, n=90, m=12, seed=1, structure="us"):
    rng = np.random.default_rng(seed)
    z = np.column_stack([np.ones(n), rng.standard_normal((n, k - 1)) * 2.0 + 0.5])
    codes = labels(rng.permutation(np.arange(n) % m))
    return _case([(codes, None if k == 1 else z, "g", structure)], n, seed)


def _crossed(sizes, n=150, seed=2):
    factors = crossed(n, sizes, seed)
    groups = []
    for i, (codes, z) in enumerate(factors):
        z[:, 0] = 1.0
        groups.append((codes, None if z.shape[1] == 1 else z, f"f{i}", "us"))
    return _case(groups, n, seed)


def _nested(ks, n=240, seed=3, also=None):
    groups = []
    for i, (codes, z) in enumerate(nested(n, (9, 3, 3), ks, seed)):
        z[:, 0] = 1.0
        groups.append((codes, None if z.shape[1] == 1 else z, f"n{i}", "us"))
    if also is not None:
        rng = np.random.default_rng(seed)
        groups.append((labels(rng.integers(0, also, n)), None, "c", "us"))
    return _case(groups, n, seed)


def _shared(n=120, seed=4):
    """(1 | g) + (0 + x | g) + (1 | h): two terms on one factor, and a third."""
    rng = np.random.default_rng(seed)
    g, h = labels(rng.integers(0, 10, n)), labels(rng.integers(0, 7, n))
    x = rng.standard_normal((n, 1))
    return _case([(g, None, "g", "us"), (h, None, "h", "us"), (g, x, "g", "us")], n, 4)


def make_cases():
    """Every shape by name."""
    rng = np.random.default_rng(9)
    cases = {
        "one k=1": _one(1),
        "one k=2": _one(2),
        "one k=3": _one(3),
        "crossed two": _crossed([(20, 1), (6, 1)]),
        "crossed two slopes": _crossed([(15, 2), (5, 2)]),
        "crossed three": _crossed([(14, 1), (8, 2), (5, 1)]),
        "nested": _nested((1, 1, 1)),
        "nested slopes": _nested((1, 2, 1)),
        "nested plus crossed": _nested((2, 1, 1), also=6),
        "shared factor": _shared(),
        "diag": _one(3, structure="diag"),
    }
    for name in ("one k=2", "crossed two", "nested plus crossed", "diag"):
        n = len(cases[name].y)
        weights = rng.uniform(0.2, 4.0, n)
        cases[f"{name}, weights"] = replace(cases[name], weights=weights)
    for name in ("one k=2", "crossed two"):
        n = len(cases[name].y)
        offset = 50.0 + 3.0 * rng.standard_normal(n)
        cases[f"{name}, offset"] = replace(
            cases[name], y=cases[name].y + offset, offset=offset
        )
        cases[f"{name}, p=0"] = replace(cases[name], X=np.empty((n, 0)))
    both = cases["nested plus crossed, weights"]
    cases["nested plus crossed, weights, offset, p=0"] = replace(
        both, offset=both.X @ [3.0, -1.0, 2.0], X=np.empty((len(both.y), 0))
    )
    return cases


CASES = make_cases()
