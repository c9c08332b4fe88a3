"""Tables and lists as text."""

from __future__ import annotations


def aligned(rows):
    """Lines with columns of one width, numbers to the right.

    Parameters
    ----------
    rows : list of tuple of str or int

    Yields
    ------
    str

    Examples
    --------
    >>> print(*aligned([("a", 5, "left"), ("bcd", 16, "right")]), sep="\\n")
      a     5  left
      bcd  16  right
    """
    if not rows:
        return
    widths = [max(len(str(row[j])) for row in rows) for j in range(len(rows[0]))]
    for row in rows:
        cells = [
            str(c).rjust(w) if isinstance(c, int) else c.ljust(w)
            for c, w in zip(row, widths, strict=True)
        ]
        yield ("  " + "  ".join(cells)).rstrip()


def listed(names) -> str:
    """Names in a sentence: ``a, b and c``.

    Parameters
    ----------
    names : list of str
        Not empty.

    Examples
    --------
    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last
