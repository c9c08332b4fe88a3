"""Terms of a formula as sets of columns, and their overparametrised form.

Hypotheses that do not depend on how a user coded the factors are stated in the
overparametrised model, where every term has one column per combination of levels
(times the columns of its numeric factors). Its columns are combinations of the coded
ones, which follow from the contrast matrices alone, without data.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from patsy.desc import ModelDesc

# Residual above which an indicator is no combination of the coded columns, and
# coefficient below which one is rounding
INCOMPLETE = 1e-8


@dataclass(frozen=True, eq=False)
class ColumnTerm:
    """One term of a formula over the columns it was coded by.

    Attributes
    ----------
    name : str
    columns : tuple of int
        Positions among all columns.
    categorical, numeric : frozenset of str
        Names of its factors.
    parameters : ndarray, shape (r, p)
        The r overparametrised columns as combinations of the p coded ones. Those of
        first levels are last, so that the first independent ones are R's treatment
        contrasts.
    is_constant : bool
        Whether it is the intercept.
    """

    name: str
    columns: tuple
    categorical: frozenset
    numeric: frozenset
    parameters: np.ndarray
    is_constant: bool = False

    @property
    def factors(self):
        """Names of all its factors."""
        return self.categorical | self.numeric

    def contained_in(self, other):
        """Whether another term has the same numeric factors and more categorical ones.

        Containment of SAS and lmerTest: only such terms share estimable functions.
        """
        return self.numeric == other.numeric and self.categorical < other.categorical

    def marginal_to(self, other):
        """Whether another term has all these factors and more (R's ``drop.scope``)."""
        return self.factors < other.factors


def column_terms(encoder, names, constant=None):
    """Terms of the columns of an encoder, in R's order.

    Parameters
    ----------
    encoder : Encoder or ArrayEncoder
        One without patsy's description: every column is a term.
    names : sequence of str, length p
    constant : int, optional
        Position of the column of ones where there is no description.

    Returns
    -------
    list of ColumnTerm
        The intercept first, then by the number of factors, then as written.

    Examples
    --------
    >>> import statsmodels_mixed as smm
    >>> data = smm.datasets.load("oats")
    >>> model = smm.lmm("Q('yield') ~ Variety * nitro + (1 | Block)", data)
    >>> mean = model.design.mean
    >>> [t.name for t in column_terms(mean.encoder, mean.exog_names)]
    ['Intercept', 'Variety', 'nitro', 'Variety:nitro']
    """
    info = encoder.design_info
    if info is None:
        unit = np.eye(len(names))
        return [
            ColumnTerm(
                name,
                (j,),
                frozenset(),
                frozenset() if j == constant else frozenset([f"{name} ({j})"]),
                unit[j : j + 1],
                j == constant,
            )
            for j, name in enumerate(names)
        ]
    written = ModelDesc.from_formula(encoder.text).rhs_termlist
    maps = _overparametrised(info)
    out = []
    for term in sorted(written, key=lambda term: len(term.factors)):
        kinds = {f.name(): info.factor_infos[f].type for f in term.factors}
        span = info.term_slices[term]
        out.append(
            ColumnTerm(
                term.name(),
                tuple(range(span.start, span.stop)),
                frozenset(n for n, kind in kinds.items() if kind == "categorical"),
                frozenset(n for n, kind in kinds.items() if kind != "categorical"),
                maps[term],
                not term.factors,
            )
        )
    return out


def _overparametrised(info):
    """Per term, its indicator columns as combinations of the coded ones, (r, p).

    Both are written as combinations of products of indicators of the second and later
    levels, which are linearly independent: `rows` numbers these.
    """
    rows, coded = {}, []
    for subterms in info.term_codings.values():
        for subterm in subterms:
            parts = [
                _coded_factor(info, f, subterm.contrast_matrices.get(f))
                for f in subterm.factors
            ]
            coded.append(_product(parts, rows))
    wanted = {}
    for term in info.term_codings:
        parts = [_coded_factor(info, f, None) for f in term.factors]
        wanted[term] = _product(parts, rows)
    basis = np.hstack(
        [np.empty((len(rows), 0)), *(_dense(c, len(rows)) for c in coded)]
    )
    out = {}
    for term, part in wanted.items():
        target = _dense(part, len(rows))
        found, gap = _solve(basis, target)
        if gap > INCOMPLETE:  # contrasts with fewer columns than levels less one
            own = info.term_slices[term]
            out[term] = np.eye(basis.shape[1])[own]
        else:
            out[term] = found.T[_first_levels_last(info, term)]
    return out


def _first_levels_last(info, term):
    """Order of a term's indicators by how many factors are at their first level."""
    count = np.zeros(1, dtype=int)
    for factor in term.factors:
        known = info.factor_infos[factor]
        if known.type == "categorical":
            first = (np.arange(len(known.categories)) == 0).astype(int)
        else:
            first = np.zeros(known.num_columns, dtype=int)
        count = (first[:, None] + count).ravel()
    return np.argsort(count, kind="stable")


def _coded_factor(info, factor, contrast):
    """Keys of a factor's columns and the coefficients of its coded columns in them.

    The key None stands for the constant, which a factor's columns may hold.
    """
    known, name = info.factor_infos[factor], factor.name()
    if known.type != "categorical":
        width = known.num_columns
        return [(name, j) for j in range(width)], np.eye(width)
    n_levels = len(known.categories)
    values = np.eye(n_levels) if contrast is None else contrast.matrix
    # a function of the level is its value at the first, plus differences from it
    coefficients = np.vstack([values[:1], values[1:] - values[:1]])
    return [None, *((name, j) for j in range(1, n_levels))], coefficients


def _product(parts, rows):
    """Numbers of the products of keys, and coefficients of the columns in them."""
    coefficients = np.ones((1, 1))
    for _, own in parts:  # patsy lets the first factor vary fastest
        coefficients = np.kron(own, coefficients)
    keys = itertools.product(*reversed([keys for keys, _ in parts]))
    places = [
        rows.setdefault(frozenset(k for k in key if k is not None), len(rows))
        for key in keys
    ]
    return places, coefficients


def _dense(part, n_rows):
    places, coefficients = part
    out = np.zeros((n_rows, coefficients.shape[1]))
    out[places] = coefficients
    return out


def _solve(basis, target):
    """Coefficients of the target in the basis, and the largest residual."""
    found = np.linalg.lstsq(basis, target, rcond=None)[0]
    found[np.abs(found) < INCOMPLETE * np.abs(found).max(axis=0, initial=0.0)] = 0.0
    return found, np.abs(basis @ found - target).max(initial=0.0)
