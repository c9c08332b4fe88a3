"""Nouns of the design stage: what a formula and a frame become."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from .grouping import Grouping
from .newrows import read_table


@dataclass(frozen=True)
class TermDesign:
    """One random-effects term over the rows of the data.

    Attributes
    ----------
    text : str
        The term as written, for messages.
    effects : tuple of str
        Names of the k varying effects.
    z : ndarray, shape (n, k), or None
        Values of the effects; None for an intercept alone.
    grouping : Grouping
        Integer codes (n,) and levels (m,).
    structure : CovarianceStructure
    encoder : object
        State that builds `z` for new data (see `encode`).
    """

    text: str
    effects: tuple
    z: np.ndarray | None
    grouping: Grouping
    structure: object
    encoder: object = None

    @property
    def group(self):
        """Name of the grouping factor."""
        return self.grouping.name

    @property
    def k(self):
        """Number of varying effects."""
        return len(self.effects)


@dataclass(frozen=True)
class PredictorDesign:
    """Fixed effects, offset and random terms of one linear predictor.

    Attributes
    ----------
    name : str
        ``"mean"`` for the mean of the response.
    exog : ndarray, shape (n, p)
        All fixed-effects columns, aliased ones included.
    exog_names : tuple of str
    terms : tuple of TermDesign
    offset : ndarray, shape (n,), or None
    encoder : object
        State that builds `exog` for new data.
    offsets : tuple of Expression
        Offsets that are evaluated again for new data.
    offset_argument : bool
        Whether a part of the offset was given as an array (``offset=`` or
        ``exposure=``), which new data do not hold.
    exposure_argument : bool
        Whether that is, or includes, the logarithm of an exposure.
    """

    name: str
    exog: np.ndarray
    exog_names: tuple
    terms: tuple
    offset: np.ndarray | None = None
    encoder: object = None
    offsets: tuple = ()
    offset_argument: bool = False
    exposure_argument: bool = False


@dataclass(frozen=True)
class Design:
    """Everything the numerics need, without formula text.

    Attributes
    ----------
    endog : ndarray, shape (n,)
        Numbers of successes where there are trials.
    endog_name : str
    predictors : tuple of PredictorDesign
    weights : ndarray, shape (n,), or None
        Prior weights: the residual variance of row i is ``sigma^2 / w_i``, or its
        log-likelihood counts w_i times, as the family has it.
    row_labels : pandas.Index
        Labels of the rows that were kept.
    rows : slice or ndarray of int
        Positions of these rows in the user's data.
    nobs_given : int
        Rows of the user's data, before any was left out.
    response : Expression or None
        Evaluates the response on new data; None for arrays and for two columns.
    trials : ndarray, shape (n,), or None
        Numbers of trials of a binomial response; None for one each.
    trials_column : str
        The column these are in, which new data may hold too; empty without one.
    response_note : str
        How the response was read, such as ``"event: r2 = 'Y' (not 'N')"``.
    reader : callable
        Opens new data for the encoders (see `newrows`).
    """

    endog: np.ndarray
    endog_name: str
    predictors: tuple
    weights: np.ndarray | None = None
    row_labels: object = None
    rows: object = field(default=None, repr=False)
    nobs_given: int = 0
    response: object = field(default=None, repr=False)
    trials: np.ndarray | None = None
    trials_column: str = ""
    response_note: str = ""
    reader: object = field(default=read_table, repr=False)

    @property
    def nobs(self):
        """Number of rows."""
        return len(self.endog)

    @property
    def mean(self):
        """The linear predictor of the mean."""
        return self.predictors[0]

    @property
    def terms(self):
        """Random-effects terms of the mean."""
        return self.mean.terms

    @cached_property
    def factors(self):
        """Terms amalgamated by grouping factor: tuple of tuples of term indices."""
        by_name = {}
        for i, term in enumerate(self.terms):
            by_name.setdefault(term.group, []).append(i)
        return tuple(map(tuple, by_name.values()))

    def with_response(self, endog):
        """The same design with another response."""
        return replace(self, endog=np.asarray(endog, dtype=float))
