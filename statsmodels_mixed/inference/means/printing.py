"""Tables of estimates as text: as many digits as the standard errors allow."""

from __future__ import annotations

import numpy as np

DIGITS = 4  # of the smallest standard error
MOST = 10  # decimals; smaller numbers are written with an exponent
WHOLE = 1e-4  # degrees of freedom this near to a whole number are written as one


def printed(table, labels, numbers):
    """A table of estimates as text.

    Parameters
    ----------
    table : DataFrame
        Columns `labels`, `numbers`, se, df, and maybe statistic and pvalue.
    labels : sequence of str
        Columns that say what the rows are.
    numbers : sequence of str
        Columns with the decimals of the standard errors, themselves included.

    Returns
    -------
    str
    """
    out = table.astype(object)
    for name in labels:
        out[name] = [level_text(value) for value in table[name]]
    decimals = decimals_of(table["se"].to_numpy())
    for name in numbers:
        out[name] = [_fixed(value, decimals) for value in table[name]]
    for name in FORMATS.keys() & set(table):
        out[name] = [FORMATS[name](value) for value in table[name]]
    return out.to_string(index=False)


def level_text(value):
    """A level as it is written in tables.

    Examples
    --------
    >>> [level_text(v) for v in ("a", 2, 2.0, 0.1 + 0.2)]
    ['a', '2', '2.0', '0.3']
    """
    if isinstance(value, (float, np.floating)):
        return str(float(f"{value:.6g}"))
    return str(value)


def decimals_of(se, digits=DIGITS):
    """Decimals that show so many digits of the smallest positive standard error."""
    known = se[np.isfinite(se) & (se > 0)]
    if not len(known):
        return digits
    return digits - 1 - int(np.floor(np.log10(known.min())))


def _fixed(value, decimals):
    if np.isnan(value):
        return "NaN"
    if decimals > MOST or abs(value) > 10.0**MOST:
        return f"{value:.{DIGITS + 1}g}"
    return f"{value:.{max(decimals, 0)}f}"


def df_text(value):
    """Degrees of freedom, whole numbers as such.

    Examples
    --------
    >>> [df_text(v) for v in (45.000001, 6.792, float("inf"))]
    ['45', '6.79', 'inf']
    """
    if np.isfinite(value) and abs(value - round(value)) < WHOLE:
        return f"{value:.0f}"
    return _fixed(value, 2)


def pvalue_text(value):
    """A p-value, in words below 0.0001."""
    return "<0.0001" if value < 1e-4 else _fixed(value, 4)


FORMATS = {
    "df": df_text,
    "statistic": lambda value: _fixed(value, 3),
    "pvalue": pvalue_text,
}
