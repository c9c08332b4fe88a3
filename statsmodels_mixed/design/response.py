"""The response of a family: numbers as they are, or successes among trials.

Both doors for data give what they found as `RawResponse`; `READERS` holds the families
whose responses are read in a way of their own.
"""

from __future__ import annotations

import numbers
import re
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from ..errors import DataError
from ..formula import response_columns
from ..formula.spec import bare_name
from .columns import drop_unused_levels
from .expression import NUMERIC, Expression

# successes are whole when this near to a whole number, relative to the trials ...
ROUNDING = 1e-6
# ... and at most this far
FAR = 1e-3
# rows that say nothing where these are zero
SILENT_AT_ZERO = ("weights", "n_trials")
TWO_COLUMNS = (
    "give successes and failures, cbind(s, n - s) in a formula or an array of two "
    "columns"
)
CORRECT = "Correct these rows, or leave them out by subset=."


@dataclass(frozen=True)
class RawResponse:
    """What a door for data found as the response, one row per complete row.

    Attributes
    ----------
    columns : tuple of ndarray or pandas.Categorical, shape (n,)
        One, or successes and failures.
    names : tuple of str
        What they are called.
    name : str
        What the response is called.
    labels : pandas.Index
        Labels of the rows.
    n_trials : ndarray, shape (n,), or None
    weights : ndarray, shape (n,), or None
    sources : dict
        Columns that the arguments `n_trials` and `weights` are, if they are.
    expression : Expression, optional
        Evaluates a response of one column on new data.
    """

    columns: tuple
    names: tuple
    name: str
    labels: object
    n_trials: np.ndarray | None = None
    weights: np.ndarray | None = None
    sources: dict = field(default_factory=dict)
    expression: Expression | None = None

    @property
    def silent(self):
        """Rows of two columns without any trial, shape (n,)."""
        if len(self.columns) == 1:
            return np.zeros(len(self.labels), dtype=bool)
        return np.logical_and.reduce([column == 0 for column in self.columns])

    def take(self, rows):
        """The same response on some of the rows."""
        columns = tuple(column[rows] for column in self.columns)
        return replace(self, columns=columns, labels=self.labels[rows])

    def among(self, arrays, sources=()):
        """The same response with its trials and weights, out of all arguments."""
        return replace(
            self,
            n_trials=arrays.get("n_trials"),
            weights=arrays.get("weights"),
            sources=dict(sources),
        )

    def refuse(self, values, bad, cause, remedy):
        """Raise a `DataError` that names up to five rows where `bad` is true."""
        rows = np.flatnonzero(bad)
        if len(rows):
            shown = ", ".join(
                f"{values[i]:g} in row {self.labels[i]}" for i in rows[:5]
            )
            more = f" and {len(rows) - 5} more" if len(rows) > 5 else ""
            raise DataError(f"{cause}: {shown}{more}. {remedy}")


@dataclass(frozen=True)
class Observed:
    """A response as the likelihood takes it.

    Attributes
    ----------
    endog : ndarray, shape (n,)
    trials, weights : ndarray, shape (n,), or None
    note : str
        How the response was read, where that is not obvious.
    trials_column : str
        The column that holds the trials, if an argument named one.
    """

    endog: np.ndarray
    trials: np.ndarray | None
    weights: np.ndarray | None
    note: str = ""
    trials_column: str = ""


def takes_trials(family):
    """Whether a response of the family can be two classes, or counts among trials."""
    return family is not None and family.name in READERS


def check_trials_argument(family, n_trials):
    """Refuse ``n_trials=`` for responses that have no trials."""
    if n_trials is not None and not takes_trials(family):
        raise DataError(
            "n_trials= goes with family='binomial' only; leave it out, or give "
            "exposure= for counts."
        )


def is_number(value):
    """Whether one number was given for all rows."""
    return isinstance(value, numbers.Real) or (
        isinstance(value, np.ndarray) and value.ndim == 0
    )


def find_response(spec, table, namespace, family):
    """The response of a formula on complete rows.

    Parameters
    ----------
    spec : ModelSpec
    table : Table
    namespace : dict
    family : Family or None

    Returns
    -------
    RawResponse
    """
    texts, trials = response_columns(spec.response), takes_trials(family)
    if len(texts) > 1 and not trials:
        raise DataError(
            f"The response {spec.response} has {len(texts)} columns, which only "
            "family='binomial' takes; wrap arithmetic in I(...)."
        )
    if trials and texts != (spec.response,) and len(texts) != 2:
        raise DataError(
            f"The response {spec.response} must have two columns, the numbers of "
            "successes and of failures: cbind(s, n - s)."
        )
    parts = [Expression(text, table, namespace, "the response") for text in texts]
    classes = trials and len(parts) == 1
    columns = tuple(p.classes(table) if classes else p.values(table) for p in parts)
    return RawResponse(
        columns=columns,
        names=tuple(part.name for part in parts),
        name=bare_name(spec.response),
        labels=table.index,
        expression=parts[0] if len(parts) == 1 else None,
    )


def read_response(family, raw):
    """Response, trials and weights of a family, all of them admissible.

    Parameters
    ----------
    family : Family or None
        None is the linear mixed model, for which any numbers do.
    raw : RawResponse

    Returns
    -------
    Observed

    Raises
    ------
    DataError
        Naming the rows.
    """
    if family is None:
        return read_numbers(raw)
    observed = READERS.get(family.name, read_numbers)(raw)
    try:
        family.check(observed.endog, observed.trials)
    except DataError as error:
        raise DataError(_with_labels(str(error), raw)) from None
    return observed


def _with_labels(message, raw):
    """The message of a family with the user's labels in place of positions."""
    message = message.replace(" (rows counted from 0)", "")
    message = re.sub(
        r"\bin row (\d+)", lambda m: f"in row {raw.labels[int(m[1])]}", message
    )
    return f"Response {raw.name!r}: {message}"


def read_numbers(raw):
    """One column of numbers."""
    (values,) = raw.columns
    return Observed(np.asarray(values, dtype=float), None, raw.weights)


# ---- binomial ------------------------------------------------------------------------


def read_binomial(raw):
    """Successes among trials: two columns, two classes, proportions, or 0 and 1."""
    if len(raw.columns) == 2:
        return _read_pair(raw)
    (values,) = raw.columns
    if isinstance(values, np.ndarray) and values.dtype.kind in NUMERIC:
        return _read_single(raw, values)
    return _read_classes(raw, values)


def _refuse_trials(raw, what):
    if raw.n_trials is not None:
        raise DataError(
            f"n_trials= is given, but the response {raw.name!r} {what}; leave "
            "n_trials= out."
        )


def _read_pair(raw):
    _refuse_trials(raw, "has its trials already, successes plus failures")
    hints = {"successes": "", "failures": " (more successes than trials)"}
    for values, name, what in zip(raw.columns, raw.names, hints, strict=True):
        cause = f"Numbers of {what}, {name}, are negative{hints[what]}"
        raw.refuse(values, values < 0, cause, CORRECT)
        cause = f"Numbers of {what}, {name}, are not whole"
        remedy = "Give counts; proportions go with n_trials=."
        raw.refuse(values, values != np.rint(values), cause, remedy)
    successes, failures = raw.columns
    note = f"successes: {raw.names[0]}; failures: {raw.names[1]}"
    return Observed(successes, successes + failures, raw.weights, note)


def _read_classes(raw, values):
    """Two classes, the second of which is the event."""
    _refuse_trials(raw, "has one class in each row, so one trial each")
    if not isinstance(values, pd.Categorical):
        kinds = sorted({type(value).__name__ for value in values})
        raise DataError(
            f"The response {raw.name!r} holds values of type {', '.join(kinds[:5])}; a "
            "binomial one is 0 and 1, bool, two classes, or counts among trials."
        )
    values = drop_unused_levels(values)
    levels = [_shown(level) for level in values.categories]
    if len(levels) == 1:
        raise DataError(
            f"The response {raw.name!r} has one level only, {levels[0]}, in the rows "
            "that are used; there is nothing to model."
        )
    if len(levels) > 2:
        more = ", ..." if len(levels) > 8 else ""
        raise DataError(
            f"A binomial response has two levels, but {raw.name!r} has {len(levels)}: "
            f"{', '.join(levels[:8])}{more}. Make a column of the event, such as "
            f"{raw.name} == {levels[-1]}, or leave rows out by subset=."
        )
    note = f"event: {raw.name} = {levels[1]} (not {levels[0]})"
    return Observed(values.codes.astype(float), None, raw.weights, note)


def _shown(level):
    return repr(level.item() if isinstance(level, np.generic) else level)


def _read_single(raw, values):
    """Proportions of trials, or 0 and 1."""
    is_bool, values = values.dtype == bool, values.astype(float)
    raw.refuse(values, values < 0, f"The response {raw.name!r} is negative", CORRECT)
    remedy = (
        f"For numbers of successes {TWO_COLUMNS}, or give proportions s / n with "
        "n_trials=n; for classes that are coded as numbers, a category, C(...)."
    )
    cause = f"The response {raw.name!r} is above 1"
    raw.refuse(values, values > 1, cause, remedy)
    between = (values > 0) & (values < 1)
    if raw.n_trials is not None:
        if not between.any() and (raw.n_trials > 1).any():
            raise DataError(
                f"The response {raw.name!r} is 0 or 1 in every row while n_trials= "
                "goes above 1: are these proportions or numbers of successes? Either "
                f"way {TWO_COLUMNS}; 0/1 responses need no n_trials=."
            )
        return _read_proportions(raw, values, "n_trials", raw.n_trials, raw.weights)
    if between.any() and raw.weights is not None:  # what R does
        return _read_proportions(raw, values, "weights", raw.weights, None)
    remedy = f"Give n_trials=, the numbers of trials, or {TWO_COLUMNS}."
    cause = f"The response {raw.name!r} has proportions of unknown numbers of trials"
    raw.refuse(values, between, cause, remedy)
    note = f"event: {raw.name} = True (not False)" if is_bool else ""
    return Observed(values, None, raw.weights, note)


def _read_proportions(raw, values, argument, trials, weights):
    role = ", read as trials of the proportions," if argument == "weights" else ""
    cause = f"{argument}={role} has values that are no numbers of trials"
    raw.refuse(trials, (trials < 0) | (trials != np.rint(trials)), cause, CORRECT)
    product = values * trials
    successes = np.rint(product)
    bad = np.abs(product - successes) > np.minimum(ROUNDING * trials, FAR)
    cause = f"{raw.name} times {argument}={role} is no whole number of successes"
    raw.refuse(product, bad, cause, f"Correct the trials, or {TWO_COLUMNS}.")
    column = raw.sources.get(argument, "")
    note = f"proportions: {raw.name}; trials: {column or f'{argument}='}"
    return Observed(successes, trials, weights, note, column)


READERS = {"binomial": read_binomial}
