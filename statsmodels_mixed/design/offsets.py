"""Known parts of a linear predictor: offsets and logarithms of exposures."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..errors import DataError, MixedModelWarning, warn_user
from .expression import Expression
from .table import check_finite, column_or_array

# an offset with values this far apart under a log link is likely no logarithm
FAR_APART = 10.0
# largest linear predictor with a finite exponential, about
LARGEST = 700.0


@dataclass(frozen=True)
class LogExposure:
    """Logarithm of an exposure that is a column, evaluated again for new data.

    Attributes
    ----------
    name : str
        The column.
    """

    name: str

    def exposure(self, table):
        """The exposure itself, shape (n,)."""
        return column_or_array(self.name, table, "exposure")

    def values(self, table):
        """Logarithms, shape (n,)."""
        return log_exposure(self.exposure(table), table.index)


def log_exposure(values, labels):
    """Logarithms of exposures, which must be positive.

    Examples
    --------
    >>> log_exposure(np.array([1.0, np.e]), [0, 1]).tolist()
    [0.0, 1.0]
    """
    check_finite("exposure=", values, labels)
    rows = np.flatnonzero(values <= 0)
    if len(rows):
        shown = ", ".join(f"{values[i]:g} in row {labels[i]}" for i in rows[:5])
        more = f" and {len(rows) - 5} more" if len(rows) > 5 else ""
        raise DataError(
            f"exposure= must be positive, but it is {shown}{more}; leave these rows "
            "out by subset=: without exposure there is nothing to count."
        )
    return np.log(values)


def has_log_link(family):
    """Whether the mean is the exponential of the linear predictor."""
    return family is not None and family.link.name == "log"


def check_exposure_argument(family, exposure):
    """Refuse ``exposure=`` where rates do not multiply."""
    if exposure is None or has_log_link(family):
        return
    there = "a linear model" if family is None else f"the {family.link.name} link"
    raise DataError(
        "exposure= multiplies the mean, so it goes with a log link only, not with "
        f"{there}; give a known part of the linear predictor as offset=."
    )


def warn_raw_offset(offset, family):
    """Warn of an offset under a log link that looks like an exposure."""
    if offset is None or not has_log_link(family):
        return
    if offset.min() > 0 and np.ptp(offset) > FAR_APART:
        most = np.exp(min(np.ptp(offset), LARGEST))
        warn_user(
            f"The offset goes from {offset.min():g} to {offset.max():g}, and under a "
            f"log link that multiplies means by up to {most:.1g}. If it is "
            "an exposure, give exposure=, or its logarithm, np.log, as offset.",
            MixedModelWarning,
        )


@dataclass(frozen=True)
class Known:
    """Offset and exposure as arguments, for the complete rows.

    Attributes
    ----------
    offset, exposure : str, ndarray or None
        The name of a column, or one value per row.
    """

    offset: object = None
    exposure: object = None

    @property
    def exposure_beyond_new_data(self):
        """Whether the exposure is an array, which new data do not hold."""
        return not isinstance(self.exposure, (str, type(None)))

    @property
    def beyond_new_data(self):
        """Whether any of the two is an array."""
        own = not isinstance(self.offset, (str, type(None)))
        return own or self.exposure_beyond_new_data

    def total(self, labels, family, *others):
        """Sum of what is given as arrays and of other offsets; None without any.

        Parameters
        ----------
        labels : pandas.Index
            Labels of the rows.
        family : Family or None
        *others : ndarray, shape (n,)
        """
        total = add(self.offset, *others)
        warn_raw_offset(total, family)
        if self.exposure is None:
            return total
        return add(total, log_exposure(self.exposure, labels))


def sum_offsets(texts, known, table, namespace, family):
    """Everything that is known of a linear predictor.

    Parameters
    ----------
    texts : sequence of str
        Expressions of ``offset(...)`` calls.
    known : Known
    table : Table
    namespace : dict
    family : Family or None

    Returns
    -------
    total : ndarray, shape (n,), or None
    again : tuple
        What is evaluated again for new data.
    """
    texts, arrays = list(texts), known
    if isinstance(known.offset, str):
        texts.append(f"Q({known.offset!r})")
        arrays = replace(arrays, offset=None)
    again = [Expression(text, table, namespace, "offset()") for text in texts]
    others = [expression.values(table) for expression in again]
    if isinstance(known.exposure, str):
        again.append(LogExposure(known.exposure))
        arrays = replace(arrays, exposure=again[-1].exposure(table))
    return arrays.total(table.index, family, *others), tuple(again)


def add(*parts):
    """Sum of what is not None; None where nothing is.

    Examples
    --------
    >>> add(None, 1.0, 2.0), add(None)
    (3.0, None)
    """
    parts = [part for part in parts if part is not None]
    return sum(parts[1:], parts[0]) if parts else None
