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
        self.indices = tuple(
            np.concatenate([np.r_[self.slices[t]] for t in terms]) for terms in factors
        )

    def term_factors(self, theta):
        """lambda of each term, (..., k_t, k_t)."""
        pairs = zip(self.structures, self.slices, strict=True)
        return [s.factor(theta[..., part]) for s, part in pairs]

    def matrices(self, theta):
        """lambda of each grouping factor, (..., K_f, K_f)."""
        blocks, out = self.term_factors(theta), []
        for size, terms in zip(self.sizes, self.factors, strict=True):
            if len(terms) == 1:
                out.append(blocks[terms[0]])
                continue
            full = np.zeros((*theta.shape[:-1], size, size))
            for t in terms:
                full[..., self.columns[t], self.columns[t]] = blocks[t]
            out.append(full)
        return out

    def derivatives(self, theta, f):
        """Parameters of factor f and d lambda_f in each, (..., n, K_f, K_f)."""
        terms = self.factors[f]
        parts = [
            self.structures[t].factor_derivative(theta[..., self.slices[t]])
            for t in terms
        ]
        if len(terms) == 1:
            return self.indices[f], parts[0]
        lead = np.broadcast_shapes(*(d.shape[:-3] for d in parts))
        out = np.zeros((*lead, len(self.indices[f]), self.sizes[f], self.sizes[f]))
        at = 0
        for t, d in zip(terms, parts, strict=True):
            cols = self.columns[t]
            out[..., at : at + d.shape[-3], cols, cols] = d
            at += d.shape[-3]
        return self.indices[f], out

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
