"""The deviance of a generalized linear mixed model as a function of all parameters."""

from __future__ import annotations

import copy
from types import SimpleNamespace

import numpy as np

from ...errors import DataError
from ...fitting.sdcor import sdcor_names
from .sdcor_map import (
    Bends,
    ChainLayout,
    Exponential,
    Line,
    Target,
    TriangularLayout,
    described,
    ordered_maps,
    starting_entries,
    variance_targets,
)


class GeneralizedChains:
    """Deviance along chains, each of which holds one parameter fixed.

    Coordinates y are the entries of T (see `sdcor_map`), the logarithm of the
    dispersion if it is estimated, and the fixed effects on orthonormal columns of X,
    turned so that the one held comes first. Attributes are those of `GaussianChains`.

    Parameters
    ----------
    fit : GeneralizedFit
        By Laplace or quadrature, with the fixed effects in the integral.
    """

    exact, together = False, 2

    def __init__(self, fit):
        if fit.objective.free:
            raise DataError(
                "With nagq=0 the fixed effects are not estimated by the deviance, so "
                "there is no likelihood to profile; fit with nagq=1 or more."
            )
        self._fit, self._layout = fit, fit.model.layout
        self._beta = fit.objective.beta_place
        self.targets = self._targets()
        twice = [target for target in self.targets for _ in range(2)]
        self._bends = Bends([target.bent for target in twice])
        self._turns = [self._turn(target) for target in twice]
        per_chain = [ordered_maps(fit.model, target) for target in twice]
        self._maps = [np.array(maps) for maps in zip(*per_chain, strict=True)]
        self._objectives = [self._objective(maps) for maps in per_chain]
        self.start = np.array(
            [self._start(*pair) for pair in zip(twice, self._turns, strict=True)]
        )
        self.free = np.ones(self.start.shape, dtype=bool)
        for row, target in zip(self.free, twice, strict=True):
            row[target.place] = False

    def _targets(self):
        fit, names = self._fit, sdcor_names(self._fit)
        out = variance_targets(fit, names, 1.0)
        if fit.objective.estimates_dispersion:
            out.append(Target(names[-1], self._layout.n_par, Exponential()))
        kept = np.sort(fit.model.coordinates.basis.kept)
        lengths = np.sqrt((fit.model.rows.exog_map**2).sum(axis=1))
        for j, column in enumerate(kept):
            name = fit.design.mean.exog_names[column]
            out.append(Target(name, self._beta.start, Line(lengths[j]), contrast=j))
        return out

    def _turn(self, target):
        """Rotation of the fixed effects, its first column along the one held."""
        rows = self._fit.model.rows
        if target.contrast < 0:
            return np.eye(rows.rank)
        row = rows.exog_map[target.contrast]
        turn = np.linalg.qr(np.column_stack([row, np.eye(rows.rank)]))[0]
        return turn * np.where(np.arange(rows.rank) == 0, np.sign(turn[:, 0] @ row), 1)

    def _objective(self, maps):
        objective = copy.copy(self._fit.objective)
        objective.layout = TriangularLayout(self._layout, maps)
        evaluation = self._fit.evaluation
        objective.start_from(np.zeros_like(evaluation.u), evaluation.beta)
        return objective

    def _start(self, target, turn):
        evaluation = self._fit.evaluation
        entries = starting_entries(self._fit, target, 1.0)
        between = evaluation.x[len(entries) : self._beta.start]
        return np.concatenate([entries, between, turn.T @ evaluation.beta])

    def evaluate(self, y, chains):
        """Deviance at coordinates y (R, n) of some chains, with derivatives in y."""
        x = self._bends.forward(y, chains)
        found = [self._at(row, c) for row, c in zip(x, chains, strict=True)]
        names = ("value", "rounding", "gradient", "curvature")
        out = {name: np.stack([part[name] for part in found]) for name in names}
        pulled = self._bends.pull(y, chains, out["gradient"], out["curvature"])
        out["gradient"], out["curvature"] = pulled
        return SimpleNamespace(**out)

    def _at(self, x, chain):
        """Derivatives in x, the fixed effects turned, of one chain."""
        turn, beta = self._turns[chain], self._beta
        whole = np.eye(len(x))
        whole[beta, beta] = turn
        e = self._objectives[chain].evaluate(whole @ x)
        return {
            "value": e.value,
            "rounding": e.rounding,
            "gradient": whole.T @ e.gradient,
            "curvature": whole.T @ e.curvature @ whole,
        }

    def describe(self, y, chains):
        """All parameters at coordinates y, (R, parameters), in the order of targets."""
        x = self._bends.forward(y, chains)
        layout = ChainLayout(self._layout, [m[chains] for m in self._maps])
        variances = described(self._fit, layout, x, np.ones(len(y)))
        dispersion = np.exp(x[:, self._layout.n_par : self._beta.start])
        turned = np.array([self._turns[c] for c in chains]) @ x[:, self._beta, None]
        beta = turned[..., 0] @ self._fit.model.rows.exog_map.T
        return np.column_stack([variances, dispersion, beta])
