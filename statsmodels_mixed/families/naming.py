"""Names of links, ours and those of statsmodels."""

from __future__ import annotations

from difflib import get_close_matches

from ..errors import FamilyError
from .links import Link, Log, Power
from .probability_links import Cauchit, CLogLog, Logit, LogLog, Probit

LINKS = {
    link.name: link
    for link in (
        Logit(),
        Probit(),
        CLogLog(),
        LogLog(),
        Cauchit(),
        Log(),
        Power(1.0),
        Power(-1.0),
        Power(0.5),
        Power(-2.0),
    )
}
_ALIASES = {"cauchy": "cauchit", "inverse_power": "inverse", "square_root": "sqrt"}


def statsmodels_class(kind, module):
    """The first of the ancestors of a class that statsmodels itself defines."""
    own = (c for c in kind.__mro__ if c.__module__.startswith(module))
    return next(own, None)


def look_up(name, table, aliases, what):
    """The entry of a table by its name in any spelling, or an error with the names."""
    key = name.strip().casefold().replace("-", "_").replace(" ", "_")
    key = aliases.get(key, key)
    if key in table:
        return table[key]
    near = get_close_matches(key, [*table, *aliases], n=1)
    hint = f"Did you mean {near[0]!r}? " if near else ""
    known = ", ".join(table)
    raise FamilyError(f"There is no {what} {name!r}. {hint}Known: {known}.")


def _from_statsmodels(link):
    """The link that a statsmodels link, or class of links, stands for."""
    kind = link if isinstance(link, type) else type(link)
    own = statsmodels_class(kind, "statsmodels.genmod.families.links")
    if own and any(c.__name__ == "Power" for c in own.__mro__):
        return Power((link() if link is kind else link).power)
    name = own.__name__.casefold() if own else ""
    found = LINKS.get(_ALIASES.get(name, name))
    if found is None:
        raise FamilyError(
            f"{link!r} is no link known here. Use one of {', '.join(LINKS)}, or Power."
        )
    return found


def as_link(link):
    """The link that a name, a statsmodels link or one of ours stands for.

    Parameters
    ----------
    link : str, Link or statsmodels link (an instance or its class)
        ``"logit"``, ``sm.families.links.Power(3)``, ...

    Returns
    -------
    Link

    Examples
    --------
    >>> as_link("Probit"), as_link("identity")
    (Probit(), Power(power=1.0))
    """
    if isinstance(link, Link):
        return link
    if isinstance(link, type) and issubclass(link, Link):
        return link()
    if isinstance(link, str):
        return look_up(link, LINKS, _ALIASES, "link")
    return _from_statsmodels(link)
