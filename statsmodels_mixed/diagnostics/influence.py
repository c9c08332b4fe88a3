"""Influence of rows, and of groups of rows, on the estimates of a fit."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from types import SimpleNamespace

import numpy as np
import pandas as pd

from ..design.grouping import Grouping, code_factor, outermost
from ..design.table import check_order
from ..errors import DataError, MixedModelWarning, check_option, warn_user
from ..fitting.sdcor import sdcor_names, sdcor_values
from ..plotting.influence import SHOWN, plot_index
from .deletion import delete_groups
from .working import working_rows

ROW = "row"
WIDTH = 80  # where the printed table is folded
UNDETERMINED = "without it a fixed effect cannot be determined"


@dataclass(frozen=True, eq=False)
class Influence:
    """What estimates become when each group of rows is left out.

    Attributes
    ----------
    by : str
        The grouping factor, or ``"row"``.
    exact : bool
        Whether the model was fitted again without each, or taken one step further.
    n_rows : Series
        Rows of each group.
    hat_diag : Series
        Leverage: sum over its rows of the hat values of the conditional fit.
    params : DataFrame
        Fixed effects without each group, groups in rows.
    bse : DataFrame
        Their standard errors.
    variances : DataFrame
        Standard deviations, correlations and the scale without each group.
    estimates : Series
        With all rows: fixed effects and variances.
    cov : ndarray, shape (p, p)
        Covariance of the fixed effects with all rows.
    log_covratio : Series
        Logarithm of `covratio`.
    failures : Series
        Why there are no estimates without some groups.
    rows : DataFrame or None
        For single rows: Pearson residual, the same divided by its standard deviation
        (internally studentized), and Cook's distance from these and the hat values.
    """

    by: str
    exact: bool
    n_rows: pd.Series
    hat_diag: pd.Series
    params: pd.DataFrame
    bse: pd.DataFrame
    variances: pd.DataFrame
    estimates: pd.Series
    cov: np.ndarray
    log_covratio: pd.Series
    failures: pd.Series
    rows: pd.DataFrame | None = None

    @cached_property
    def dfbeta(self):
        """Fixed effects with all rows less those without the group.

        The sign is that of statsmodels and of R's ``lm``; lme4's is the opposite.
        """
        return self.estimates[self.params.columns] - self.params

    @cached_property
    def dfbetas(self):
        """`dfbeta` over standard errors without the group."""
        return self.dfbeta / self.bse

    @cached_property
    def cooks_distance(self):
        """``d' cov^-1 d / p``, d the row of `dfbeta`.

        That of lme4's ``influence`` is (m - p) / m times this, m the number of groups.
        """
        d = self.dfbeta.to_numpy()
        values = (d * np.linalg.solve(self.cov, d.T).T).sum(axis=1) / max(d.shape[1], 1)
        return pd.Series(values, self.params.index, name="cooks_d")

    @property
    def covratio(self):
        """Determinant of the covariance of `params` without the group over that with.

        Above 1 where the group makes the fixed effects more precise.
        """
        return np.exp(self.log_covratio).rename("covratio")

    @property
    def variance_change(self):
        """`variances` without the group less those with all rows."""
        return self.variances - self.estimates[self.variances.columns]

    def summary_frame(self):
        """All measures side by side.

        Returns
        -------
        DataFrame
            Columns n_rows, hat_diag, cooks_d, covratio; ``dfb_...``, the `dfbetas`;
            and ``change_...``, the `variance_change`.
        """
        parts = [self.n_rows, self.hat_diag, self.cooks_distance, self.covratio]
        parts += [self.dfbetas.add_prefix("dfb_")]
        parts += [self.variance_change.add_prefix("change_")]
        return pd.concat(parts, axis=1)

    def measure(self, name="cooks_d"):
        """One of the columns of `summary_frame`.

        Raises
        ------
        DataError
            There is no such measure.
        """
        table = self.summary_frame()
        if name not in table:
            known = ", ".join(table.columns)
            raise DataError(f"There is no measure {name!r}; use one of: {known}.")
        return table[name]

    def plot(self, measure="cooks_d", ax=None, label=SHOWN):
        """A measure against the groups or rows, the largest ones named.

        Parameters
        ----------
        measure : str
            A column of `summary_frame`.
        ax : matplotlib Axes, optional
        label : int
            How many to name.

        Returns
        -------
        matplotlib.figure.Figure
        """
        return plot_index(self.measure(measure), self.by, ax=ax, label=label)

    def __repr__(self):
        how = "fitted again" if self.exact else "one step"
        what = "rows" if self.by == ROW else f"groups ({self.by})"
        table = self.summary_frame()
        top = table.sort_values("cooks_d", ascending=False).head(SHOWN)
        shown = ["n_rows", "cooks_d", "covratio", *self.dfbetas.add_prefix("dfb_")]
        lines = [f"Influence of {len(table)} {what}, {how}; largest Cook's distances:"]
        lines.append(
            top[shown].to_string(float_format="{:.4f}".format, line_width=WIDTH)
        )
        lines.append("All measures of all of them: summary_frame().")
        if len(self.failures):
            lines.append(f"No estimates without {len(self.failures)}: see failures.")
        return "\n".join(lines)


def deletion_groups(design, by=None):
    """What is left out at a time, as a grouping of the rows.

    Parameters
    ----------
    design : Design
    by : None, str or array_like, shape (n,)
        None for the grouping factor all others are nested in; a grouping factor;
        ``"row"``; or labels, one per row used or per row of the original data.

    Returns
    -------
    Grouping

    Raises
    ------
    DataError
        No such factor, crossed ones and none named, a single group, or labels of
        another length.
    """
    found = _resolved(design, by)
    if found.n_levels < 2:
        raise DataError(
            f"All rows have the same label of {found.name!r}: nothing is left without "
            "them. Give by= with two groups or more."
        )
    return found


def _resolved(design, by):
    factors = {term.group: term.grouping for term in design.terms}
    if by is None:
        return _outermost(factors)
    if isinstance(by, str):
        if by not in factors:
            check_option("by", by, (*factors, ROW))
            return _single(design)
        return factors[by]
    if isinstance(by, Grouping):
        return by
    if np.ndim(by) != 1 or len(by) not in (design.nobs, design.nobs_given):
        raise DataError(
            f"by= has shape {np.shape(by)}; give the name of a grouping factor, 'row', "
            f"or one label per row that was used ({design.nobs})."
        )
    name = getattr(by, "name", None) or "by"
    if len(by) == design.nobs:
        check_order(by, design.row_labels, "by=")
        return code_factor(by, name)
    return code_factor(np.asarray(by)[design.rows], name)


def _outermost(factors):
    if not factors:
        raise DataError("There are no random effects: give by='row', or labels.")
    found = outermost(factors.values())
    if found is not None:
        return found
    known = ", ".join(map(repr, factors))
    raise DataError(
        f"The grouping factors {known} are crossed: say with by= which one's levels to "
        "leave out, or by='row'."
    )


def _single(design):
    """Every row by itself; names need not differ."""
    codes = np.arange(design.nobs, dtype=np.intp)
    levels = pd.Index(design.row_labels)
    return Grouping(ROW, codes, levels, (ROW,), (levels,), codes[None])


def one_step_influence(fit, grouping, names, variances=True):
    """Influence from the factors of the fit, without fitting again.

    Parameters
    ----------
    fit : Fit, GeneralizedFit or PQLFit
    grouping : Grouping
        From `deletion_groups`.
    names : sequence of str
        Of the fixed effects.
    variances : bool
        Whether variance parameters are wanted; NaN otherwise.

    Returns
    -------
    Influence

    Warns
    -----
    MixedModelWarning
        Groups without which a fixed effect cannot be determined.
    """
    rows = working_rows(fit)
    left = delete_groups(rows, grouping, variances)
    linear = rows.exog_map
    known = rows.scale * linear @ rows.inverse @ linear.T
    se = np.sqrt(np.diag(fit.cov_beta) / np.diag(known)) * left.se
    values = np.column_stack([left.beta, se, _sdcor(fit, rows, left)])
    ratio = left.logdet - np.linalg.slogdet(known)[1]
    lost = {grouping.index[i]: UNDETERMINED for i in np.flatnonzero(left.lost)}
    return _influence(fit, grouping, names, rows, values, ratio, lost, False)


def refitted_influence(fit, grouping, names, values, failures):
    """Influence from fits without each group.

    Parameters
    ----------
    fit : Fit, GeneralizedFit or PQLFit
        With all rows.
    grouping : Grouping
    names : sequence of str
        Of the fixed effects.
    values : ndarray, shape (m, ...)
        `refit_figures` of each fit.
    failures : dict
        Number of a group to why there is no fit without it.

    Returns
    -------
    Influence
    """
    lost = {grouping.index[i]: text for i, text in failures.items()}
    ratio = values[:, -1] - np.linalg.slogdet(fit.cov_beta)[1]
    rows = working_rows(fit)
    return _influence(fit, grouping, names, rows, values[:, :-1], ratio, lost, True)


def refit_figures(fit):
    """What `refitted_influence` wants of a fit, as one array."""
    se = np.sqrt(np.diag(fit.cov_beta))
    logdet = np.linalg.slogdet(fit.cov_beta)[1]
    return np.concatenate([fit.beta, se, sdcor_values(fit), [logdet]])


def _influence(fit, grouping, names, rows, values, ratio, lost, exact):
    index, p, names = grouping.index, len(fit.beta), list(names)
    sd = sdcor_names(fit)
    own = np.bincount(grouping.codes, rows.leverages, grouping.n_levels)
    if lost:
        _warn(lost, exact)
    table = pd.DataFrame(values, index, columns=[*names, *names, *sd])
    return Influence(
        by=grouping.name,
        exact=exact,
        n_rows=pd.Series(grouping.counts, index, name="n_rows"),
        hat_diag=pd.Series(own, index, name="hat_diag"),
        params=table.iloc[:, :p],
        bse=table.iloc[:, p : 2 * p],
        variances=table.iloc[:, 2 * p :],
        estimates=pd.Series(np.r_[fit.beta, sdcor_values(fit)], [*names, *sd]),
        cov=fit.cov_beta,
        log_covratio=pd.Series(ratio, index),
        failures=pd.Series(lost, dtype=object, name="failure"),
        rows=_row_table(rows, index) if grouping.name == ROW else None,
    )


def _sdcor(fit, rows, left):
    """`sdcor_values` at the parameters one step further, (m, n)."""
    model = rows.fit.model
    covariances = []
    factors = model.layout.term_factors(left.theta)
    scale = left.scale if rows.dof is not None else np.ones(len(left.theta))
    for lam, linear in zip(factors, model.coordinates.maps, strict=True):
        half = linear @ lam
        outer = half @ np.swapaxes(half, -1, -2)
        covariances.append(scale[:, None, None] * outer)
    unknown = np.full(len(left.theta), np.nan)
    with np.errstate(invalid="ignore"):
        sigma = np.sqrt(left.scale)
    sigma[np.isnan(left.theta).any(axis=1)] = np.nan
    # a dispersion beside the weights is not moved
    known = {name: unknown for name in fit.scale_parameters} | (
        {} if rows.dof is None else {"sigma": sigma}
    )
    return sdcor_values(
        SimpleNamespace(
            beta=left.beta,
            design=fit.design,
            covariances=covariances,
            scale_parameters=known,
        )
    )


def _row_table(rows, index):
    h, resid = rows.leverages, rows.resid / np.sqrt(rows.scale)
    left = 1.0 - h
    free = left > np.finfo(float).eps
    left = np.where(free, left, np.nan)
    p = max(rows.exog.shape[1], 1)
    table = {
        "resid": resid,
        "resid_studentized": resid / np.sqrt(left),
        "cooks_conditional": (resid / left) ** 2 * h / p,
    }
    return pd.DataFrame(table, index)


def _warn(lost, exact):
    shown = ", ".join(map(str, list(lost)[:SHOWN]))
    more = f" and {len(lost) - SHOWN} more" if len(lost) > SHOWN else ""
    why = "fits failed" if exact else "a fixed effect cannot be determined"
    warn_user(
        f"No estimates without {shown}{more}: {why}; see failures. Their rows are NaN.",
        MixedModelWarning,
    )
