"""Fixed effects that separate the response, so that their estimates are infinite.

Rows are separated when a direction d of the coefficients exists along which no row's
log density ever falls, and some rise for ever (Albert and Anderson 1984, Biometrika 71,
1-10). Random effects do not help: the integrated likelihood rises along d as well.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..optimize.directions import farthest_direction

# beyond this many distinct rows only single columns are looked at
MOST_ROWS = 50_000
# how surely the scores must rule out a separation, against their own rounding
SAFETY = 10.0
ROUNDING = 1e-13
# movements below this are zero; columns have mean square 1, directions entries up to 1
STILL = 1e-5
# decimal places to which rows are the same
DIGITS = 12
# linear predictors where a log density has, or has not yet, reached its end
END, LATE, EARLY = 1e100, 30.0, 1.0


@dataclass(frozen=True)
class Separation:
    """Columns whose coefficients run off to infinity, and what to do.

    Attributes
    ----------
    columns : tuple of str
    message : str
    """

    columns: tuple
    message: str


def overlaps(exog, scores):
    """Whether a stationary point proves that nothing is separated.

    At a maximum of the log-likelihood ``X'l' = 0``, while along a separating d
    ``d'X'l' = sum |l'_i| |x_i'd|``, at least ``d'X' diag|l'| X d / max |x_i|``.
    So there is none if the latter has no eigenvalue as small as what is left of X'l'.

    Parameters
    ----------
    exog : ndarray, shape (n, p)
        Orthogonal columns of mean square 1.
    scores : ndarray, shape (n,)
        Derivative of the log density of each row at the fit of the fixed effects.

    Returns
    -------
    bool
        False if it is not proved.
    """
    if not exog.shape[1]:
        return True
    size = np.abs(scores)
    left = np.linalg.norm(exog.T @ scores) + ROUNDING * size.sum()
    needed = SAFETY * left * np.sqrt(np.einsum("ij,ij->i", exog, exog).max())
    if size.min() * len(exog) > needed:  # X'X = n I
        return True
    return bool(np.linalg.eigvalsh((exog.T * size) @ exog)[0] > needed)


def runaways(likelihood, nobs):
    """Direction of eta, -1 or 1, in which each log density rises for ever; 0 for none.

    Parameters
    ----------
    likelihood : Likelihood
    nobs : int

    Returns
    -------
    ndarray, shape (nobs,)
    """
    out, signs = np.zeros(nobs), (-1.0, 1.0)

    def highest(eta):
        return np.maximum(
            *(likelihood.value(np.full(nobs, s * eta), 0.0) for s in signs)
        )

    late, early = highest(LATE), highest(EARLY)
    for sign in signs:
        end = likelihood.derivatives(np.full(nobs, sign * END), 0.0, order=1)
        rises = (end.value >= late) & (end.value > early) & (sign * end.d1 >= 0.0)
        out[rises] = sign
    return out


def find_separation(design, kept, exog, linear, likelihood):
    """The fixed effects that separate the response.

    Parameters
    ----------
    design : Design
    kept : ndarray of int
        Columns that are not aliased.
    exog : ndarray, shape (n, p)
        Orthogonal columns of mean square 1 that span the same.
    linear : ndarray, shape (p, p)
        From coefficients of `exog` to those of the kept columns.
    likelihood : Likelihood

    Returns
    -------
    Separation or None
    """
    signs = runaways(likelihood, design.nobs)
    if not signs.any():
        return None
    columns = design.mean.exog[:, kept]
    distinct = _distinct_rows(exog, signs)
    if len(distinct) > MOST_ROWS:
        direction, moved = _single_columns(columns, signs)
    else:
        d = _joint_direction(exog[distinct], signs[distinct])
        direction, moved = linear @ d, _moved(exog @ d, signs)
    if not moved.any():
        return None
    # in units of the columns, so that sizes compare
    size = np.abs(direction) * np.sqrt((columns**2).mean(axis=0))
    chosen = np.flatnonzero(size > STILL * size.max())
    names = tuple(design.mean.exog_names[kept[j]] for j in chosen)
    return Separation(names, _message(design, names, moved))


def _distinct_rows(exog, signs):
    """One of each kind of row, found by a random projection of them."""
    weights = np.random.default_rng(0).standard_normal(exog.shape[1] + 1)
    key = exog @ weights[1:] + signs * weights[0]
    return np.unique(np.round(key, DIGITS), return_index=True)[1]


def _moved(change, signs):
    """Rows that a direction moves; none if it moves any of all rows the wrong way."""
    back = np.where(signs == 0.0, np.abs(change), -signs * change)
    right = (back <= STILL).all()
    return right & (np.abs(change) > STILL)


def _joint_direction(rows, signs):
    """Direction that separates the most rows; zero where there is none."""
    ahead = signs != 0.0
    return farthest_direction(rows[ahead] * signs[ahead, None], rows[~ahead])


def _single_columns(columns, signs):
    """Columns that separate by themselves, such as the indicator of a level."""
    direction, moved = np.zeros(columns.shape[1]), np.zeros(len(signs), dtype=bool)
    for j, column in enumerate(columns.T):
        there = column != 0.0
        move = (signs * column)[there]
        for sign in (-1.0, 1.0):
            if (sign * move > 0.0).all():
                direction[j] = sign
                moved |= there
    return direction, moved


def _message(design, names, moved):
    rows = np.flatnonzero(moved)
    shown = ", ".join(str(design.row_labels[i]) for i in rows[:5])
    shown += ", ..." if len(rows) > 5 else ""
    level = _reference_level(design, moved)
    level = f", those of {level}," if level else ""
    several = len(names) > 1
    return (
        f"The fixed effects {', '.join(names)} separate"
        if several
        else f"The fixed effect {names[0]} separates"
    ) + (
        f" the response: in {len(rows)} rows ({shown}){level} the likelihood rises for "
        f"ever as {'these coefficients run' if several else 'this coefficient runs'} "
        "to infinity, so that estimates and standard errors are only where the search "
        "stopped. Merge or drop levels or columns."
    )


def _reference_level(design, moved):
    """The factor whose reference level is these rows, in words; empty if none is."""
    coding = design.mean.encoder.design_info
    for name, part in coding.term_name_slices.items() if coding else ():
        columns = design.mean.exog[:, part]
        indicators = ((columns == 0.0) | (columns == 1.0)).all()
        if name != "Intercept" and indicators:
            at_reference = ~columns.any(axis=1)
            if np.array_equal(at_reference, moved):
                return f"the reference level of {name}"
    return ""


def constant_groups(design):
    """Grouping factors in whose levels all trials have the same outcome.

    The likelihood of a binomial response then rises with the variance of the levels
    without end.

    Parameters
    ----------
    design : Design
        Of a binomial response.

    Returns
    -------
    tuple of str
    """
    misses = (1.0 if design.trials is None else design.trials) - design.endog
    out = []
    for terms in design.factors:
        grouping = design.terms[terms[0]].grouping
        hits_of, misses_of = (
            np.bincount(grouping.codes, values, grouping.n_levels)
            for values in (design.endog, misses)
        )
        if not ((hits_of > 0) & (misses_of > 0)).any():
            out.append(grouping.name)
    return tuple(out)
