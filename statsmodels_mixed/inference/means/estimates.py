"""Tables, contrasts and joint tests of linear functions of the fixed effects."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

import numpy as np
import pandas as pd

from ...errors import DataError, check_level
from .contrasts import Method, cell_labels
from .drawing import draw
from .joint import EQUAL, hypothesis, joint_frame, joint_row
from .linear_functions import stacked
from .multiplicity import (
    NO_FAMILY,
    TestFamily,
    adjusted_pvalues,
    adjustment_name,
    adjustment_note,
    critical_values,
)
from .printing import printed


@dataclass(frozen=True, eq=False, repr=False)
class LinearEstimates:
    """Estimates of linear functions of the fixed effects.

    Attributes
    ----------
    beta : ndarray, shape (p,)
        Fixed effects.
    tests : WaldTests
        Their covariance and degrees of freedom.
    labels : DataFrame, shape (r, ...)
        What the rows are.
    functions : LinearFunctions
        The r rows.
    by : tuple of str
        Columns of `labels`; contrasts and adjustments are within their levels.
    scale : LinkScale, ResponseScale or RatioScale
    level : float
        Of the intervals.
    adjust : str
        Adjustment of p-values and intervals for their number.
    family : TestFamily
    remarks : tuple of str
        What the rows are means over, and at which values.
    df_method : str
        Where the degrees of freedom of `tests` come from.
    """

    beta: np.ndarray
    tests: object
    labels: pd.DataFrame
    functions: object
    by: tuple
    scale: object
    level: float
    adjust: str = "none"
    family: TestFamily = NO_FAMILY
    remarks: tuple = ()
    df_method: str = ""

    value: ClassVar[str] = "estimate"  # name of the column
    noun: ClassVar[str] = "estimates"
    tested: ClassVar[bool] = True  # whether zero is a hypothesis
    null: ClassVar[object] = 0.0  # hypothesis of joint tests

    @cached_property
    def _wald(self):
        """Estimate, standard error and degrees of freedom, NaN if not estimable."""
        matrix, known = self.functions.matrix, self.functions.estimable
        estimate = matrix @ self.beta + self.functions.offset
        variance = ((matrix @ self.tests.cov) * matrix).sum(axis=1)
        out = np.where(known, [estimate, np.sqrt(np.maximum(variance, 0.0))], np.nan)
        df = np.full(len(matrix), np.nan)
        varying = known & matrix.any(axis=1)
        if varying.any():
            df[varying] = self.tests.df(matrix[varying])
        return *out, df

    def _groups(self):
        """Positions of the rows for each combination of the levels of `by`."""
        if not self.by:
            return [np.arange(len(self.labels))]
        columns = list(self.by)
        code = self.labels.groupby(columns, sort=False, observed=True).ngroup()
        return [np.flatnonzero(code == i) for i in range(code.max() + 1)]

    @property
    def table(self):
        """The estimates as a DataFrame; see `summary_frame`."""
        return self.summary_frame()

    def summary_frame(self, adjust=None, level=None):
        """Estimates with standard errors, degrees of freedom and intervals.

        Parameters
        ----------
        adjust : str, optional
            Adjustment of p-values and intervals for their number (in each level of
            `by`): ``"tukey"`` (all pairs), ``"dunnettx"``, ``"sidak"``,
            ``"bonferroni"``, ``"holm"``, ``"holm-sidak"``, ``"simes-hochberg"``,
            ``"hommel"``, ``"fdr_bh"``, ``"fdr_by"`` or ``"none"``. Stepwise methods
            come with intervals of Bonferroni.
        level : float, optional
            Level of the intervals.

        Returns
        -------
        DataFrame
            The columns of `labels`; the estimate (``value_name``: mean, slope,
            estimate; prob, rate or response of means that are transformed back; ratio,
            odds_ratio or hazard_ratio), se, df, lower and upper; for slopes and
            contrasts statistic and pvalue too. Rows that are not estimable hold NaN.
        """
        adjust, level = self._checked(adjust, level)
        estimate, se, df = self._wald
        with np.errstate(divide="ignore", invalid="ignore"):
            statistic = estimate / se
        half, pvalue = np.full((2, len(se)), np.nan)
        for rows in self._groups():
            rows = rows[~np.isnan(df[rows])]
            critical = critical_values(adjust, level, df[rows], self.family)
            half[rows] = critical * se[rows]
            if self.tested:
                of = statistic[rows], df[rows]
                pvalue[rows] = adjusted_pvalues(adjust, *of, self.family)
        told = self.scale.back(estimate, se, estimate - half, estimate + half)
        columns = [self.value_name, "se", "df", "lower", "upper"]
        columns = dict(zip(columns, (*told[:2], df, *told[2:]), strict=True))
        if self.tested:
            columns |= {"statistic": statistic, "pvalue": pvalue}
        return pd.concat([self.labels, pd.DataFrame(columns)], axis=1)

    def _checked(self, adjust, level):
        adjust = self.adjust if adjust is None else adjust
        level = self.level if level is None else level
        check_level(level)
        return adjustment_name(adjust), level

    @property
    def value_name(self):
        """Name of the column of estimates."""
        return self.scale.value or self.value

    def conf_int(self, level=None, adjust=None):
        """Intervals alone.

        Parameters
        ----------
        level, adjust
            As for `summary_frame`.

        Returns
        -------
        DataFrame
            The columns of `labels`, lower and upper.
        """
        table = self.summary_frame(adjust, level)
        return table[[*self.labels.columns, "lower", "upper"]]

    def pairs(self, reverse=False, adjust=None, by=None):
        """All pairwise contrasts; ``contrast("pairwise")``.

        Parameters
        ----------
        reverse, adjust, by
            As for `contrast`.

        Returns
        -------
        Contrasts
        """
        return self.contrast("pairwise", adjust=adjust, by=by, reverse=reverse)

    def contrast(
        self, method="pairwise", ref=None, adjust=None, by=None, reverse=False
    ):
        """Contrasts of the estimates.

        Parameters
        ----------
        method : str, dict, DataFrame or array_like
            ``"pairwise"``: an earlier minus a later one; ``"treatment"``: each minus
            that of the level `ref`; ``"consecutive"``: each minus the one before;
            ``"eff"``: each minus the mean of all; ``"poly"``: orthogonal polynomials.
            Or coefficients: a dict or DataFrame (a row per contrast) of named ones, or
            a matrix. R's names ``"revpairwise"``, ``"trt.vs.ctrl"``,
            ``"trt.vs.ctrlk"``, ``"consec"`` are known too.
        ref : object, optional
            Reference level of ``"treatment"``, the first by default.
        adjust : str, optional
            As for `summary_frame`; by default tukey, dunnettx, sidak, fdr_bh and none
            for the methods in this order, and none for coefficients.
        by : str or list of str, optional
            Columns within whose levels to compare; the `by` of the estimates by
            default, ``[]`` for none.
        reverse : bool
            The other sign of ``"pairwise"``, ``"treatment"`` and ``"consecutive"``: a
            later minus an earlier one.

        Returns
        -------
        Contrasts
            On the scale of the response, ratios for log, logit and cloglog links, and
            contrasts on the scale of the link for others.

        Raises
        ------
        DataError
            Unknown method, level or column; coefficients of another number.
        """
        method = Method.read(method, ref, reverse)
        by = self.by if by is None else as_list(by)
        unknown = [name for name in by if name not in self.labels]
        if unknown:
            raise DataError(
                f"by: {unknown[0]!r} is none of {', '.join(self.labels.columns)}."
            )
        estimates = replace(self, by=tuple(by))
        labels, parts, how = [], [], None
        for rows in estimates._groups():
            cells = self.labels.iloc[rows]
            how = self._coefficients(method, cells.drop(columns=list(by)))
            labels.append(_contrast_labels(how.names, cells, by, self.labels))
            parts.append(self.functions.take(rows).combined(how.matrix))
        return Contrasts(
            self.beta,
            self.tests,
            pd.concat(labels, ignore_index=True),
            stacked(parts),
            tuple(by),
            self.scale.of_contrast(how.sum_to_zero),
            self.level,
            adjustment_name(how.adjust if adjust is None else adjust),
            TestFamily(len(cells), how.all_pairs),
            self.remarks,
            self.df_method,
        )

    def _coefficients(self, method, cells):
        how = method.coefficients(cells)
        sign = self.scale.of_contrast(how.sum_to_zero).sign
        return how if sign == "-" else method.coefficients(cells, sign)

    def joint_test(self, null=None):
        """F test of a hypothesis about all estimates, for each level of `by`.

        Parameters
        ----------
        null : {"equal"} or float, optional
            That all are equal, which is the default for means; or that all are a
            number, 0 by default for contrasts and slopes. For transformed means it is
            on the scale of the linear predictor.

        Returns
        -------
        DataFrame
            One row per level of `by`: null (the hypothesis in words), num_df, den_df
            (infinite: a chi-square over num_df), F, pvalue; and a column note, where
            a part is not estimable.

        Raises
        ------
        DataError
            Equality of a single estimate.
        """
        null = self.null if null is None else null
        text, reduce = hypothesis(null, self.noun, self.scale)
        rows = []
        for at in self._groups():
            key = self.labels.iloc[at[0]][list(self.by)].to_dict() | {"null": text}
            rows.append(key | joint_row(self.tests, reduce(self.functions.take(at))))
        return joint_frame(rows)

    def plot(self, axes=None, adjust=None, level=None):
        """Estimates with intervals, a panel for each level of `by`.

        Parameters
        ----------
        axes : array_like of matplotlib Axes, optional
            One per panel; made by default.
        adjust, level
            As for `summary_frame`.

        Returns
        -------
        matplotlib.figure.Figure
        """
        adjust, level = self._checked(adjust, level)
        return draw(self, self.summary_frame(adjust, level), level, axes)

    @property
    def notes(self):
        """What to mind, as a tuple of sentences; printed below the table."""
        return (*self.remarks, *self._findings())

    def _findings(self):
        if self.scale.note:
            yield self.scale.note
        if self.df_method:
            yield f"Degrees-of-freedom method: {self.df_method}."
        yield f"Confidence level used: {self.level:g}."
        known = self.functions.estimable
        if not known.all():
            texts = np.array(cell_labels(self.labels, full=True))[~known]
            more = f" and {len(texts) - 5} more" if len(texts) > 5 else ""
            yield (
                f"{len(texts)} of {len(known)} are not estimable (the data do not "
                f"determine them): {', '.join(texts[:5])}{more}."
            )
        largest = max(self._groups(), key=len)
        n = int(known[largest].sum())
        note = adjustment_note(self.adjust, n, self.family, self.tested)
        if note:
            yield note

    def __repr__(self):
        numbers = [self.value_name, "se", "lower", "upper"]
        text = printed(self.table, list(self.labels), numbers)
        return "\n".join([text, *self.notes])


class MarginalMeans(LinearEstimates):
    """Estimated marginal means; see `LinearEstimates` for the attributes."""

    value = "mean"
    noun = "means"
    tested = False
    null = EQUAL


class Slopes(LinearEstimates):
    """Slopes along a covariate; see `LinearEstimates` for the attributes."""

    value = "slope"
    noun = "slopes"


class Contrasts(LinearEstimates):
    """Contrasts of means or slopes; see `LinearEstimates` for the attributes."""

    noun = "contrasts"


def _contrast_labels(names, cells, by, labels):
    """A column for the contrasts, which are not called as one that is there."""
    name = "contrast"
    while name in labels and name in by:
        name += "1"
    keys = {k: [cells[k].iloc[0]] * len(names) for k in by}
    return pd.DataFrame({name: names} | keys)


def as_list(names):
    """One name, or several, or None, as a list."""
    return [names] if isinstance(names, str) else list(names or ())
