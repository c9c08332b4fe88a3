"""What a problem is, what is measured, and the bars that have to be reached."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

OURS = "statsmodels_mixed"
SEED = 20240607


@dataclass(frozen=True)
class Unit:
    """How a measured value is printed.

    Parameters
    ----------
    name : str
        Heading of the column.
    scale : float
        Factor from the measured value to the printed one.
    """

    name: str
    scale: float = 1.0

    def show(self, value: float) -> str:
        """Return `value` with four significant digits, in this unit."""
        return f"{value * self.scale:.4g}"


SECONDS = Unit("seconds")
MILLISECONDS = Unit("ms", 1e3)
MS_PER_RESPONSE = Unit("ms/response", 1e3)
DESIGN_MATRICES = Unit("x design matrix")


@dataclass(frozen=True)
class Seen:
    """What a bar is held against.

    Parameters
    ----------
    medians : dict
        Median per peer.
    stopped : dict
        Seconds after which a peer was stopped: its time is more than that.
    deviance : float or None
        Our deviance.
    fit : float or None
        Seconds of our fit, where something else than the fit is timed.
    """

    medians: dict[str, float]
    stopped: dict[str, float]
    deviance: float | None
    fit: float | None = None


@dataclass(frozen=True)
class FasterThan:
    """Bar: at least `factor` times as fast as `peer`, if that takes over `above`."""

    peer: str
    factor: float
    above: float = 0.0

    def text(self, unit: Unit) -> str:
        """Return the bar in words."""
        return "faster" if self.factor == 1 else f"{self.factor:g}x"

    def reached(self, seen: Seen, unit: Unit) -> tuple[str, str] | None:
        """Return (verdict, what was seen), or None when a run is missing."""
        own = seen.medians.get(OURS)
        least = seen.stopped.get(self.peer)
        other = seen.medians.get(self.peer, least)
        if own is None or other is None:
            return None
        if other <= self.above:
            return "no bar", f"takes under {unit.show(self.above)} {unit.name}"
        ratio = other / own
        met = ratio >= self.factor and ratio > 1
        if least is not None and self.peer not in seen.medians:
            return ("MET", f"over {ratio:.3g}x") if met else ("OPEN", "stopped")
        return "MET" if met else "NOT MET", f"{ratio:.3g}x"


@dataclass(frozen=True)
class AtMost:
    """Bar: our own value is at most `limit` (in the unit that is measured)."""

    limit: float
    peer: str = OURS

    def text(self, unit: Unit) -> str:
        """Return the bar in words."""
        return f"at most {unit.show(self.limit)}"

    def reached(self, seen: Seen, unit: Unit) -> tuple[str, str] | None:
        """Return (verdict, what was seen), or None when our run is missing."""
        own = seen.medians.get(OURS)
        if own is None:
            return None
        return "MET" if own <= self.limit else "NOT MET", unit.show(own)


@dataclass(frozen=True)
class TimesFit:
    """Bar: our own value is at most `factor` times the seconds of our fit."""

    factor: float
    peer: str = OURS

    def text(self, unit: Unit) -> str:
        """Return the bar in words."""
        return f"at most {self.factor:g}x the fit"

    def reached(self, seen: Seen, unit: Unit) -> tuple[str, str] | None:
        """Return (verdict, what was seen), or None when our run is missing."""
        own = seen.medians.get(OURS)
        if own is None or seen.fit is None:
            return None
        ratio = own / seen.fit
        return "MET" if ratio <= self.factor else "NOT MET", f"{ratio:.3g}x"


@dataclass(frozen=True)
class RightLogLikelihood:
    """Bar: our log-likelihood is `exact` to within `tolerance`."""

    exact: float
    tolerance: float
    peer: str = OURS

    def text(self, unit: Unit) -> str:
        """Return the bar in words."""
        return f"llf {self.exact:.4f} to {self.tolerance:g}"

    def reached(self, seen: Seen, unit: Unit) -> tuple[str, str] | None:
        """Return (verdict, what was seen), or None when our run is missing."""
        if seen.deviance is None:
            return None
        gap = -0.5 * seen.deviance - self.exact
        return "MET" if abs(gap) <= self.tolerance else "NOT MET", f"{gap:+.1e}"


Bar = FasterThan | AtMost | TimesFit | RightLogLikelihood
Nodes = int | tuple[int, ...]


@dataclass(frozen=True)
class Problem:
    """One model on one data set.

    Parameters
    ----------
    name : str
        Name used by ``--problems`` and ``--only``.
    formula : str
        lme4 formula; every peer but those in `spelling` is given exactly this text.
    make : callable
        ``make(shrink)`` returns the DataFrame; simulated data have ``1/shrink``
        of the rows and levels, shipped data ignore `shrink`.
    reml : bool
        Criterion of a linear model.
    peers : tuple of str
        Packages that can take the problem in reasonable time.
    bars : tuple
        What has to be reached.
    family : str
        ``gaussian`` (a linear model), ``binomial`` or ``poisson``, canonical link.
    nagq : int or tuple of int
        Nodes of adaptive quadrature; 1 is the Laplace approximation.
    stand_in : dict
        Nodes of the peers that are timed on another approximation than `nagq`.
    spelling : dict
        The formula for peers that write it differently.
    skips : dict
        Peers that cannot do it, and why: printed.
    once : tuple of str
        Peers that are run once only, as they take minutes.
    task : str
        What is measured: ``fit``, ``refit`` or ``memory``, or one of the tasks of
        ``inference.py``.
    unit : Unit
        How the measured value is printed.
    repeats : int
        Runs of each peer unless ``--repeats`` says otherwise.
    in_a_row : int
        Runs of a peer before the next one has its turn; several where a run takes
        milliseconds, or a process that was just woken is what is timed.
    repeatable : bool
        False when only the first run in a fresh process means anything.
    limit : float
        Seconds after which one run of one peer is stopped.
    columns : int
        Columns of the fixed-effects design matrix.
    mixedlm : dict
        Arguments of ``smf.mixedlm`` that say the same model.
    """

    name: str
    formula: str
    make: Callable[[int], pd.DataFrame]
    peers: tuple[str, ...]
    bars: tuple[Bar, ...]
    reml: bool = False
    family: str = "gaussian"
    nagq: Nodes = 1
    stand_in: dict[str, Nodes] = field(default_factory=dict)
    spelling: dict[str, str] = field(default_factory=dict)
    skips: dict[str, str] = field(default_factory=dict)
    once: tuple[str, ...] = ()
    task: str = "fit"
    unit: Unit = SECONDS
    repeats: int = 3
    in_a_row: int = 1
    repeatable: bool = True
    limit: float = 300.0
    columns: int = 0
    mixedlm: dict = field(default_factory=dict)

    @property
    def generalized(self) -> bool:
        """Whether this is a generalized linear mixed model."""
        return self.family != "gaussian"

    @property
    def kind(self) -> str:
        """``lmm``, ``glmm``, or ``inference`` where the fit is not what is timed."""
        if self.task not in ("fit", "refit", "memory"):
            return "inference"
        return "glmm" if self.generalized else "lmm"

    @property
    def criterion(self) -> str:
        """REML, ML, or the approximation of the likelihood."""
        if self.generalized:
            return f"{self.family}, {approximation(self.nagq)}"
        return "REML" if self.reml else "ML"

    @property
    def response(self) -> str:
        """The left side of the formula."""
        return self.formula.split("~")[0].strip()

    def formula_for(self, peer: str) -> str:
        """Return the formula as `peer` writes it."""
        return self.spelling.get(peer, self.formula)

    def nodes_for(self, peer: str) -> Nodes:
        """Return the nodes `peer` is run with."""
        return self.stand_in.get(peer, self.nagq)

    def request(self, peer: str) -> tuple[str, ...]:
        """Return task, REML flag, formula, family and nodes as text."""
        reml = str(self.reml).upper()
        nodes = str(self.nodes_for(peer))
        return self.task, reml, self.formula_for(peer), self.family, nodes


def approximation(nodes: Nodes) -> str:
    """Return the name of the approximation with so many nodes."""
    return "Laplace" if nodes == 1 else f"quadrature with {nodes} nodes"


def shipped(name: str) -> Callable[[int], pd.DataFrame]:
    """Return a loader of one of the shipped data sets."""

    def make(shrink: int) -> pd.DataFrame:
        from statsmodels_mixed import datasets

        return getattr(datasets, name).load_pandas().data

    return make


def labels(codes: np.ndarray, n_levels: int) -> pd.Categorical:
    """Return `codes` as a factor with text levels, as R reads it."""
    levels = [f"L{code:06d}" for code in range(n_levels)]
    return pd.Categorical.from_codes(codes, levels)
