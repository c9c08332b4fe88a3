"""Hypotheses of type I, II and III about the terms of the fixed effects.

All are rows C of ``C beta = 0``. They are stated in the overparametrised model (see
`design.columnterms`), so they do not depend on the coding of factors. Nor do their
rows, which are those of R's treatment contrasts: Satterthwaite's degrees of freedom
of a joint test depend on which rows span a hypothesis.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import qr

from ...design.columnterms import column_terms

# Lengths and singular values of coding matrices, whose entries are near 1, that count
# as zero
RANK = 1e-8


@dataclass(frozen=True, eq=False)
class FixedTerms:
    """Terms of the fixed effects, for the parameters that are not aliased.

    Attributes
    ----------
    terms : list of ColumnTerm
        The intercept included.
    blocks : list of ndarray, shape (r, p)
        Overparametrised columns of each term as combinations of the columns of the
        parameters.
    factor : ndarray, shape (p, p)
        R with ``R'R = X'X``.
    """

    terms: list
    blocks: list
    factor: np.ndarray

    def tested(self):
        """Positions of the terms that an analysis of variance lists."""
        return [i for i, term in enumerate(self.terms) if not term.is_constant]

    def containing(self, i):
        """Positions of the terms that contain a term."""
        own = self.terms[i]
        return [j for j, term in enumerate(self.terms) if own.contained_in(term)]

    def droppable(self):
        """Positions of the terms that are marginal to no other."""
        terms = self.terms
        return [i for i in self.tested() if not any(map(terms[i].marginal_to, terms))]

    def without(self, positions):
        """Positions of the other terms."""
        return [i for i in range(len(self.terms)) if i not in positions]

    def estimable(self, positions):
        """Functions of the parameters of some terms only, as orthonormal columns."""
        others = [self.blocks[i] for i in self.without(positions)]
        return null_space(np.vstack([np.empty((0, len(self.factor))), *others]))

    def treatment(self, order):
        """Columns of R's treatment contrasts, the terms taken in some order.

        Returns
        -------
        matrix : ndarray, shape (p, p)
            ``X @ matrix`` are the columns.
        owner : ndarray of int, shape (p,)
            Term of each column.
        """
        rows = np.vstack([self.blocks[i] for i in order])
        owner = np.repeat(order, [len(self.blocks[i]) for i in order])
        chosen = independent(rows)
        return rows[chosen].T, owner[chosen]


def fixed_terms(fit):
    """Terms of the fixed effects of a fit.

    Parameters
    ----------
    fit : Fit, GeneralizedFit or PQLFit

    Returns
    -------
    FixedTerms
    """
    mean, basis = fit.design.mean, fit.model.coordinates.basis
    constant = int(basis.kept[basis.constant]) if basis.constant >= 0 else None
    terms = column_terms(mean.encoder, mean.exog_names, constant)
    alias = _alias(mean.exog, np.sort(basis.kept))
    blocks = [_exact_product(term.parameters, alias) for term in terms]
    return FixedTerms(terms, blocks, _triangular(basis, mean.exog))


def _exact_product(first, second):
    """A product of coefficients in which what cancels is zero, as of empty cells."""
    out = first @ second
    out[np.abs(out) <= RANK * (np.abs(first) @ np.abs(second))] = 0.0
    return out


def _alias(exog, kept):
    """All columns as combinations of those that are not aliased, (all, p)."""
    out = np.zeros((exog.shape[1], len(kept)))
    out[kept, np.arange(len(kept))] = 1.0
    lost = np.setdiff1d(np.arange(exog.shape[1]), kept)
    if len(lost):
        scale = np.linalg.norm(exog[:, kept], axis=0)
        found = np.linalg.lstsq(exog[:, kept] / scale, exog[:, lost], rcond=None)[0]
        found[np.abs(found) <= RANK * np.abs(found).max(axis=0, initial=0.0)] = 0.0
        out[lost] = (found / scale[:, None]).T
    return out


def _triangular(basis, exog):
    """R with ``R'R = X'X``, by way of well-conditioned coordinates."""
    orthonormal = np.linalg.qr(basis.apply(exog), mode="r")
    return (orthonormal @ np.linalg.inv(basis.linear_map))[:, np.argsort(basis.kept)]


def null_space(matrix):
    """Orthonormal basis of the null space, as columns."""
    length = np.linalg.norm(matrix, axis=1)
    matrix = matrix[length > 0] / length[length > 0, None]
    if not len(matrix):
        return np.eye(matrix.shape[1])
    _, values, right = np.linalg.svd(matrix)
    return right[(values > RANK * values[0]).sum() :].T


def independent(rows):
    """Positions of the rows that are no combinations of those before them.

    Examples
    --------
    >>> independent(np.array([[1.0, 0.0], [2.0, 0.0], [1.0, 1.0]]))
    [0, 2]
    """
    out, basis = [], np.empty((0, rows.shape[1]))
    for i, row in enumerate(rows):
        length = np.linalg.norm(row)
        if len(out) == rows.shape[1] or length == 0.0:
            continue
        rest = row / length
        for _ in range(2):  # once more for what rounding leaves
            rest = rest - (basis @ rest) @ basis
        left = np.linalg.norm(rest)
        if left > RANK:
            out.append(i)
            basis = np.vstack([basis, rest / left])
    return out


def _sequential(fixed, order, i):
    """What term i adds to the terms before it, in least squares of its columns.

    Rows of the unit triangular factor of ``X'X`` (Goodnight's forward Doolittle), X in
    treatment contrasts and without weights, as lmerTest's.
    """
    columns, owner = fixed.treatment(order)
    upper = np.linalg.qr(fixed.factor @ columns, mode="r")
    own = owner == i
    rows = upper[own] / np.diag(upper)[own, None]
    return np.linalg.solve(columns.T, rows.T).T


def type1(fixed, i):
    """Term i given the terms before it."""
    return _sequential(fixed, range(len(fixed.terms)), i)


def type2(fixed, i):
    """Term i given all terms that do not contain it."""
    larger = fixed.containing(i)
    if not larger:
        return type3(fixed, i)
    return _sequential(fixed, [*fixed.without([i, *larger]), i, *larger], i)


def type3(fixed, i):
    """Estimable functions of term i orthogonal to those of the terms that contain it.

    Goodnight (1978), Tests of hypotheses in fixed effects linear models, SAS Technical
    Report R-101: functions that involve no parameters but those of term i and of terms
    that contain it, and are orthogonal to the functions of the latter.
    """
    larger = fixed.containing(i)
    own = fixed.estimable([i, *larger])
    if larger:
        functions = np.vstack(fixed.blocks)
        beyond = functions @ fixed.estimable(larger)
        own = own @ null_space(beyond.T @ (functions @ own))
    columns, owner = fixed.treatment(range(len(fixed.terms)))
    rows = own.T @ columns
    # single parameters of the term, plus what orthogonality asks for
    order = np.argsort(owner != i, kind="stable")
    pivots = order[independent(rows[:, order].T)]
    return np.linalg.solve(columns.T, np.linalg.solve(rows[:, pivots], rows).T).T


TYPES = {1: type1, 2: type2, 3: type3}


def solutions(matrix):
    """Coefficients that a hypothesis leaves free, as columns.

    Unit vectors where the hypothesis sets single parameters to zero, so that the
    columns of ``X @ solutions(C)`` are then columns of X.

    Parameters
    ----------
    matrix : ndarray, shape (r, p)
        Linearly independent rows.

    Returns
    -------
    basis : ndarray, shape (p, p - r)
    free : ndarray of int
        Parameters that stand for the columns.

    Examples
    --------
    >>> basis, free = solutions(np.array([[0.0, 2.0, 0.0]]))
    >>> basis.tolist(), free.tolist()
    ([[1.0, 0.0], [0.0, 0.0], [0.0, 1.0]], [0, 2])
    """
    r, p = matrix.shape
    if not r:
        return np.eye(p), np.arange(p)
    _, upper, order = qr(matrix, mode="economic", pivoting=True)
    bound, free = order[:r], np.sort(order[r:])
    place = np.argsort(order)
    basis = np.zeros((p, p - r))
    basis[free, np.arange(p - r)] = 1.0
    basis[bound] = -np.linalg.solve(upper[:, :r], upper[:, place[free]])
    basis[np.abs(basis) < RANK] = 0.0
    return basis, free
