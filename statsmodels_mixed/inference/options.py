"""Words for options: upper and lower case alike, and the names that R has."""

from __future__ import annotations

from ..errors import check_option


def chosen(name, value, allowed, aliases=None):
    """The word of `allowed` that is meant.

    Parameters
    ----------
    name : str
        Of the option, for messages.
    value : str
    allowed : collection of str
        In lower case.
    aliases : dict, optional
        Other words, in lower case, for some of these.

    Raises
    ------
    DataError
        None is meant.

    Examples
    --------
    >>> chosen("scale", "Response", ("link", "response"))
    'response'
    """
    word = value.lower() if isinstance(value, str) else value
    if isinstance(word, str) and word not in allowed:
        word = (aliases or {}).get(word, value)
    check_option(name, word, tuple(allowed))
    return word
