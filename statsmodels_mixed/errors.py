"""Exceptions and warnings: one class and one text each (cause, what to do).

All errors derive from `MixedModelError`, itself a ``ValueError``, so a caller
who catches ``ValueError`` as with statsmodels keeps working.
"""

from __future__ import annotations

import numbers
import re
import sys
import warnings
from difflib import get_close_matches


class MixedModelError(ValueError):
    """Base class of every error raised by statsmodels_mixed."""


def _pointed(message, formula, position):
    """The message, and the line of the formula with a caret under the place."""
    if position is None:
        return message
    start = formula.rfind("\n", 0, position) + 1
    end = formula.find("\n", position)
    line = formula[start:] if end < 0 else formula[start:end]
    return "\n".join([message, "    " + line, "    " + " " * (position - start) + "^"])


class FormulaError(MixedModelError):
    """A formula that cannot be read, with a caret under the place.

    Parameters
    ----------
    message : str
        Cause and remedy.
    formula : str
        The text the user wrote.
    position : int, optional
        Offset of the offending character in `formula`; no caret without it.
    """

    def __init__(self, message: str, formula: str, position: int | None = None):
        self.message, self.formula, self.position = message, formula, position
        super().__init__(_pointed(message, formula, position))

    def __reduce__(self):
        return type(self), (self.message, self.formula, self.position)


class DataError(MixedModelError):
    """Data that do not fit the request: wrong type, length, value or rows."""


class MissingColumnError(DataError):
    """A column that the formula or an argument names is not in the data.

    Parameters
    ----------
    name : str
        The column looked for.
    available : iterable of str
        The columns there are.
    where : str
        Which argument or term asks for it.
    formula : str, optional
        The formula, to put a caret under the name.
    remedy : str
        What else can be done than to give the column.
    """

    def __init__(
        self,
        name: str,
        available,
        where: str = "the formula",
        formula: str | None = None,
        remedy: str = "",
    ):
        self.name, self.available, self.where = name, list(map(str, available)), where
        self.formula, self.remedy = formula, remedy
        near = get_close_matches(str(name), self.available, n=1, cutoff=0.5)
        if not near:
            folded = {c.casefold(): c for c in self.available}
            near = [folded[name.casefold()]] if str(name).casefold() in folded else []
        hint = (
            f"Did you mean {near[0]!r}?"
            if near
            else "Columns: " + ", ".join(self.available[:12]) + "."
        )
        message = f"Column {name!r}, asked for by {where}, is not there. {hint}"
        message = f"{message} {remedy}" if remedy else message
        found = re.search(rf"(?<!\w){re.escape(str(name))}(?!\w)", formula or "")
        super().__init__(_pointed(message, formula, found and found.start()))

    def located(self, formula):
        """The same error with a caret under the name in the formula."""
        return type(self)(*self._said[:3], formula, self.remedy)

    def advised(self, remedy):
        """The same error with a remedy."""
        return type(self)(*self._said[:4], remedy)

    @property
    def _said(self):
        return self.name, self.available, self.where, self.formula, self.remedy

    def __reduce__(self):
        return type(self), self._said


class MissingValueError(DataError):
    """Missing or infinite values where they are not allowed."""


class IdentifiabilityError(MixedModelError):
    """A model whose parameters the data cannot determine."""


class FamilyError(MixedModelError):
    """A family or a link that is not known, or that do not go together."""


class NewLevelError(DataError):
    """New data hold levels of a factor that were not there when fitting."""


class ComparisonError(MixedModelError):
    """Fits that a likelihood-ratio test must not compare, with the remedy."""


class MixedModelWarning(UserWarning):
    """Base class of every warning issued by statsmodels_mixed."""


class ConvergenceWarning(MixedModelWarning):
    """The optimiser stopped before the certificate of a minimum was reached."""


class RankDeficiencyWarning(MixedModelWarning):
    """Aliased fixed-effects columns were dropped."""


class SeparationWarning(MixedModelWarning):
    """Fixed effects separate the response, so their estimates are infinite."""


def warn_user(message, category):
    """Issue a warning that points at the first line outside this package."""
    frame, level = sys._getframe(1), 2
    package = __name__.partition(".")[0]
    while frame.f_back and frame.f_globals["__name__"].partition(".")[0] == package:
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


def check_option(name, value, allowed):
    """Refuse an option that is not one of the allowed words."""
    if value not in allowed:
        known = " or ".join(map(repr, allowed))
        raise DataError(f"{name}={value!r}: use {known}.")


def check_level(level, name="level"):
    """Refuse the level of an interval, or one minus it, that is no probability.

    Parameters
    ----------
    level : float
    name : str
        The argument, ``"level"`` or ``"alpha"``.

    Raises
    ------
    DataError
        Anything but a number strictly between 0 and 1.

    Examples
    --------
    >>> check_level(0.95)
    """
    number = isinstance(level, numbers.Real) and not isinstance(level, bool)
    if number and 0 < level < 1:
        return
    percent = number and 1 < level < 100
    hint = f"; {level:g} percent is {level / 100:g}." if percent else "."
    raise DataError(f"{name}={level!r}: give a number between 0 and 1{hint}")


def check_count(name, value, least=1):
    """Refuse a number of draws, or of anything else, that is no whole number.

    Parameters
    ----------
    name : str
        The argument.
    value : int
    least : int
        The smallest that is allowed.

    Raises
    ------
    DataError

    Examples
    --------
    >>> check_count("n", 10)
    """
    whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not whole or value < least:
        raise DataError(f"{name}={value!r}: give a whole number, {least} or more.")
