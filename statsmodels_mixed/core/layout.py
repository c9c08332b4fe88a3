"""From one parameter vector to the relative covariance factors of all terms."""

from __future__ import annotations

import itertools

import numpy as np


class ThetaLayout:
    """Places of each term's parameters in theta.

    Parameters
    ----------
    structures : sequence of CovarianceStructure
        One per random-effects term.
    factors : tuple of tuple of int
        Terms amalgamated by grouping factor.
    """

    def __init__(self, structures, factors):
        self.structures = tuple(structures)
        self.factors = factors
        ends = np.cumsum([0] + [s.n_par for s in self.structures])
        self.n_par = int(ends[-1])
        self.slices = tuple(slice(*pair) for pair in itertools.pairwise(ends))
        widths = [s.k for s in self.structures]
        self.columns = {}
        for terms in factors:
            at = 0
            for t in terms:
                self.columns[t] = slice(at, at + widths[t])
                at += widths[t]
        self.sizes = tuple(sum(widths[t] for t in terms) for terms in factors)

    def term_factors(self, theta):
        """lambda of each term, (..., k_t, k_t)."""
        pairs = zip(self.structures, self.slices, strict=True)
        return [s.factor(theta[..., part]) for s, part in pairs]

    def matrices(self, theta):
        """lambda of each grouping factor, (..., K_f, K_f)."""
        out = [np.zeros((*theta.shape[:-1], size, size)) for size in self.sizes]
        blocks = self.term_factors(theta)
        for full, terms in zip(out, self.factors, strict=True):
            for t in terms:
                full[..., self.columns[t], self.columns[t]] = blocks[t]
        return out

    def derivatives(self, theta, f):
        """Parameters of factor f and d lambda_f in each, (..., n, K_f, K_f)."""
        size, parts, index = self.sizes[f], [], []
        for t in self.factors[f]:
            part, cols = self.slices[t], self.columns[t]
            d = self.structures[t].factor_derivative(theta[..., part])
            full = np.zeros((*d.shape[:-2], size, size))
            full[..., cols, cols] = d
            parts.append(full)
            index.extend(range(part.start, part.stop))
        if len(parts) == 1:
            return np.array(index), parts[0]
        lead = np.broadcast_shapes(*(p.shape[:-3] for p in parts))
        parts = [np.broadcast_to(p, (*lead, *p.shape[-3:])) for p in parts]
        return np.array(index), np.concatenate(parts, axis=-3)

    def canonical(self, theta):
        """The representative of theta with nonnegative diagonals."""
        out = np.array(theta, dtype=float)
        for s, part in zip(self.structures, self.slices, strict=True):
            out[..., part] = s.canonical(out[..., part])
        return out

    def from_covariances(self, covariances):
        """theta for one relative covariance matrix (k_t, k_t) per term."""
        pars = [
            s.from_covariance(np.asarray(c, dtype=float))
            for s, c in zip(self.structures, covariances, strict=True)
        ]
        return np.concatenate(pars, axis=-1) if pars else np.zeros(0)
