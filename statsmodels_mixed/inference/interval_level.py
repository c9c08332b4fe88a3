"""The level of an interval, given as such or as alpha."""

from __future__ import annotations

from ..errors import DataError, check_level


def interval_level(level=None, alpha=None):
    """The level of intervals that the user means.

    Parameters
    ----------
    level : float, optional
    alpha : float, optional
        One minus the level, in its place.

    Returns
    -------
    float
        0.95 if nothing was given.

    Raises
    ------
    DataError
        Both were given, or what was given is no number between 0 and 1.

    Examples
    --------
    >>> interval_level(), interval_level(0.9), interval_level(alpha=0.5)
    (0.95, 0.9, 0.5)
    """
    if level is not None and alpha is not None:
        raise DataError(
            "Give level= or alpha=, which is one minus the level, not both."
        )
    name, value = ("level", level) if alpha is None else ("alpha", alpha)
    if value is None:
        return 0.95
    check_level(value, name)
    return float(value if alpha is None else 1.0 - value)
