"""Options that are words, in whatever case."""

from __future__ import annotations

from ...errors import check_option


def known_option(name, value, allowed):
    """One of the allowed words, as it is spelled there.

    Parameters
    ----------
    name : str
        Of the argument, for the message.
    value : str
    allowed : collection of str
        In lower case.

    Returns
    -------
    str

    Raises
    ------
    DataError
        It is none of them.

    Examples
    --------
    >>> known_option("method", "BCa", ("percentile", "bca"))
    'bca'
    """
    folded = value.lower() if isinstance(value, str) else value
    check_option(name, value if folded not in allowed else folded, allowed)
    return folded
