"""Read a shipped table; a described data set as a module-like object."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from textwrap import dedent, fill
from types import ModuleType

import numpy as np
import pandas as pd
from statsmodels.datasets.utils import Dataset, process_pandas

DATA = files(__package__).joinpath("data")
NUMERIC = "numeric"
# The last bit counts when fits are compared to 1e-10. Since 3.1 pandas reads floats
# exactly and deprecates the argument.
_PANDAS = tuple(int(part) for part in pd.__version__.split(".")[:2])
EXACT_FLOATS = {"float_precision": "round_trip"} if _PANDAS < (3, 1) else {}


@dataclass(frozen=True)
class Description:
    """What is known about one data set.

    Parameters
    ----------
    name : str
        Name of the data set and of its file.
    title : str
        One line.
    rows : int
        Number of observations.
    endog : str
        The column that is usually the response.
    text : str
        The study behind the data.
    columns : dict
        Meaning of each column, with its unit, in the order of the table.
    source : str
        Where the data were published.
    package : str
        The R package they were exported from; empty if not from one.
    """

    name: str
    title: str
    rows: int
    endog: str
    text: str
    columns: dict[str, str]
    source: str
    package: str = ""


class DatasetModule(ModuleType):
    """A data set, used like a module of ``statsmodels.datasets``.

    It has ``load()``, ``load_pandas()`` and the constants ``COPYRIGHT``, ``TITLE``,
    ``SOURCE``, ``DESCRSHORT``, ``DESCRLONG`` and ``NOTE``.

    Parameters
    ----------
    description : Description
        Provenance and columns.
    """

    def __init__(self, description: Description):
        self.description = description
        self.TITLE = self.DESCRSHORT = description.title
        self.DESCRLONG = _paragraph(description.text)
        self.SOURCE = _paragraph(description.source)
        self.COPYRIGHT = "Published data."
        if description.package:
            origin = f"as distributed with the R package {description.package}"
            self.COPYRIGHT = f"Published data, {origin}."
        self.NOTE = _note(description)
        super().__init__(f"{__package__}.{description.name}", self._docstring())
        self.__all__ = ["load", "load_pandas"]

    def _docstring(self) -> str:
        parts = [self.TITLE + ".", self.DESCRLONG, self.NOTE]
        return "\n\n".join([*parts, "Source\n------\n" + self.SOURCE, self.COPYRIGHT])

    def load_pandas(self) -> Dataset:
        """Load the data; factors are categories with the level order of R.

        Returns
        -------
        Dataset
            With attributes ``data``, ``endog``, ``exog``, ``names``, ``endog_name``,
            ``exog_name`` and ``title``. Each call reads a fresh copy.
        """
        data = load_frame(self.description.name)
        endog = data.columns.get_loc(self.description.endog)
        dataset = process_pandas(data, endog_idx=endog)
        dataset["title"] = self.TITLE
        return dataset

    def load(self) -> Dataset:
        """Load the data, like ``load_pandas``."""
        return self.load_pandas()


def dataset(**facts) -> DatasetModule:
    """Return the module-like object of a `Description` with these facts."""
    return DatasetModule(Description(**facts))


def load_frame(name: str) -> pd.DataFrame:
    """Return the shipped table called `name`."""
    return read_table(DATA, name, _schema()[name])


def read_table(folder, name: str, factors: dict) -> pd.DataFrame:
    """Read ``name.csv.gz`` and code its factors.

    Parameters
    ----------
    folder : path-like
        Anything with ``joinpath``, as `importlib.resources` returns it.
    name : str
        Name of the file without its suffixes.
    factors : dict
        For each factor its ``levels`` (a list, or ``"numeric"`` for integers in
        increasing order) and whether it is ``ordered``.

    Returns
    -------
    DataFrame
    """
    with folder.joinpath(f"{name}.csv.gz").open("rb") as file:
        data = pd.read_csv(
            file,
            compression="gzip",
            # a level is text even where it looks like a number
            dtype=dict.fromkeys(factors, str),
            # only NA: a level may be called "none" or "N/A"
            keep_default_na=False,
            na_values=["NA"],
            **EXACT_FLOATS,
        )
    for column, factor in factors.items():
        levels = factor["levels"]
        if levels == NUMERIC:
            present = data[column].dropna().unique()
            levels = [str(level) for level in np.unique(present.astype(np.int64))]
        data[column] = pd.Categorical(data[column], levels, ordered=factor["ordered"])
    return data


@cache
def _schema() -> dict:
    return json.loads(DATA.joinpath("schema.json").read_text(encoding="utf-8"))


def _paragraph(text: str) -> str:
    return fill(" ".join(dedent(text).split()), 79)


def _note(description: Description) -> str:
    width = max(map(len, description.columns))
    lines = [
        f"    Number of observations: {description.rows}",
        f"    Number of variables: {len(description.columns)}",
        "    Variable name definitions:",
        "",
    ]
    for column, meaning in description.columns.items():
        start = f"        {column:<{width}} : "
        lines.append(
            fill(meaning, 88, initial_indent=start, subsequent_indent=" " * len(start))
        )
    return "::\n\n" + "\n".join(lines)
