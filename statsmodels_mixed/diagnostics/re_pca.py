"""Principal components of random-effects covariances, and what each is worth."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ..fitting import PQLFit
from ..fitting.start import internal_theta


@dataclass(frozen=True, eq=False)
class Component:
    """A principal component of the covariance of one random-effects term.

    Attributes
    ----------
    term : int
    sd : float
        Standard deviation along it, relative to sigma.
    loadings : ndarray, shape (k,)
        Unit vector in the effects, or in the scaled ones.
    columns : ndarray, shape (k, k - 1)
        The other directions, as combinations of the columns of the term.
    rest : ndarray, shape (k, k)
        Relative covariance of the effects without the component.
    """

    term: int
    sd: float
    loadings: np.ndarray
    columns: np.ndarray
    rest: np.ndarray


@dataclass(frozen=True, eq=False)
class RandomEffectsPCA:
    """Principal components of the random effects of each grouping factor.

    Attributes
    ----------
    tables : dict
        Grouping factor to DataFrame, one row per component, the largest first: sd
        (relative to sigma), proportion and cumulative proportion of the variance,
        cost (rise of the deviance when the component is set to zero), with
        ``refit=True`` cost_refit and df, and the loading of each effect.
    scaled : bool
        Whether effects were scaled by the root mean square of their columns.
    """

    tables: dict
    scaled: bool

    def __repr__(self):
        parts = []
        for group, table in self.tables.items():
            text = table.to_string(float_format=lambda v: f"{v:.4g}")
            parts.append(f"Random effects of {group}\n{text}")
        return "\n\n".join(parts) or "No random effects."


def re_pca(fit, scaled=False, refit=None):
    """Principal components of each random-effects covariance.

    Parameters
    ----------
    fit : Fit, GeneralizedFit or PQLFit
    scaled : bool
        Whether to measure each effect by what it does to the response: multiplied by
        the root mean square of its column, so that units of predictors do not matter.
    refit : callable, optional
        From a design to its fit; with it the model without each component is fitted.

    Returns
    -------
    RandomEffectsPCA

    Notes
    -----
    With ``scaled=False`` these are the components of lme4's ``rePCA`` (Bates, Kliegl,
    Vasishth and Baayen 2015, arXiv:1506.04967): singular values of the relative
    covariance factor of each grouping factor, terms with one factor as blocks. Signs
    of loadings are such that the largest is positive.

    The cost holds the other variances (relative to sigma) where they are, so it is at
    least that of the refitted model. A term whose effects share one variance stands or
    falls as a whole.

    Examples
    --------
    >>> import statsmodels_mixed as smm
    >>> data = smm.datasets.load("sleepstudy")
    >>> res = smm.lmm("Reaction ~ Days + (Days | Subject)", data).fit()
    >>> table = re_pca(res.fit_record).tables["Subject"]
    >>> table[["sd", "proportion", "cost"]].round(3)
            sd  proportion    cost
    PC1  0.967       0.946  23.285
    PC2  0.231       0.054  36.908
    """
    tables = {}
    for terms in fit.design.factors:
        found = [c for t in terms for c in components(fit, t, scaled)]
        found.sort(key=lambda c: -c.sd)
        group = fit.design.terms[terms[0]].group
        tables[group] = _table(fit, terms, found, refit)
    return RandomEffectsPCA(tables, scaled)


def components(fit, t, scaled=False):
    """Principal components of one term, the largest first.

    Parameters
    ----------
    fit : Fit, GeneralizedFit or PQLFit
    t : int
        Term.
    scaled : bool
        As for `re_pca`.

    Returns
    -------
    list of Component
    """
    term, cov = fit.design.terms[t], fit.relative_covariances[t]
    size = np.ones(term.k)
    if scaled and term.z is not None:
        size = np.sqrt((term.z**2).mean(axis=0))
    values, vectors = np.linalg.eigh(cov * np.outer(size, size))
    # below this an eigenvalue is the rounding of an exact zero
    values = np.where(values > 1e-13 * values[-1], values, 0.0)
    together = len(term.structure.varying()) < term.k
    out = []
    for i in range(term.k)[::-1]:
        others = np.delete(vectors, i, axis=1)
        half = others * np.sqrt(np.delete(values, i)) / size[:, None]
        largest = vectors[np.argmax(np.abs(vectors[:, i])), i]
        out.append(
            Component(
                t,
                float(np.sqrt(values[i])),
                vectors[:, i] * np.sign(largest),
                (others[:, :0] if together else others) / size[:, None],
                np.zeros_like(cov) if together else half @ half.T,
            )
        )
    return out


def zeroing_cost(fit, component):
    """Rise of the deviance when a component is set to zero, all else held.

    Fixed effects and residual variance of a linear mixed model follow. Zero for a
    component without variance, NaN for quasi-likelihood, which has no deviance.

    Parameters
    ----------
    fit : Fit, GeneralizedFit or PQLFit
    component : Component

    Returns
    -------
    float
    """
    if isinstance(fit, PQLFit):
        return np.nan
    if component.sd == 0.0:
        return 0.0
    covariances = list(fit.relative_covariances)
    covariances[component.term] = component.rest
    x = fit.evaluation.x.copy()
    x[: fit.model.layout.n_par] = internal_theta(fit.model, covariances)
    before, after = (
        float(fit.objective.evaluate(at, derivatives=False).value)
        for at in (fit.evaluation.x, x)
    )
    return after - before


def design_without(design, component):
    """The design in which a term does not vary along a component.

    Parameters
    ----------
    design : Design
    component : Component

    Returns
    -------
    Design
        Without the term, if it has no other direction.
    """
    terms, t = list(design.terms), component.term
    k = component.columns.shape[1]
    if k:
        term = terms[t]
        terms[t] = replace(
            term,
            effects=tuple(f"direction {i + 1}" for i in range(k)),
            z=np.ascontiguousarray(term.z @ component.columns),
            structure=type(term.structure)(k),
            encoder=None,
        )
    else:
        del terms[t]
    mean = replace(design.mean, terms=tuple(terms))
    return replace(design, predictors=(mean, *design.predictors[1:]))


def _table(fit, terms, found, refit):
    effects = [e for t in terms for e in fit.design.terms[t].effects]
    starts = dict(
        zip(
            terms, np.cumsum([0] + [fit.design.terms[t].k for t in terms]), strict=False
        )
    )
    variances = np.array([c.sd**2 for c in found])
    total = variances.sum()
    share = variances / total if total else variances
    columns = {
        "sd": np.sqrt(variances),
        "proportion": share,
        "cumulative": np.cumsum(share),
        "cost": [zeroing_cost(fit, c) for c in found],
    }
    if refit is not None:
        smaller = [refit(design_without(fit.design, c)) for c in found]
        columns["cost_refit"] = [float(s.deviance - fit.deviance) for s in smaller]
        columns["df"] = [fit.n_covariance - s.n_covariance for s in smaller]
    index = [f"PC{i + 1}" for i in range(len(found))]
    loadings = np.zeros((len(found), len(effects)))
    for row, c in zip(loadings, found, strict=True):
        row[starts[c.term] : starts[c.term] + len(c.loadings)] = c.loadings
    loadings = pd.DataFrame(loadings, index=index, columns=effects)
    return pd.concat([pd.DataFrame(columns, index=index), loadings], axis=1)
