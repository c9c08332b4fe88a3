"""What was measured, as plain text and as markdown."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field

from contract import OURS, Problem, Seen, approximation

DEVIANCE_GAP = 1e-4
TABULATED = {"value", "deviance", "se", "beta", "cov"}


@dataclass
class Runs:
    """All runs of one problem.

    Parameters
    ----------
    problem : Problem
        What was run.
    threads : int
        Threads of every peer.
    rows : int
        Rows of the data.
    answers : dict
        Per peer the answers of its worker.
    notes : list of str
        One line for each peer that is missing or was stopped.
    stopped : dict
        Seconds after which a peer was stopped.
    judged : dict
        Per peer our own deviance at its estimates, one criterion for all.
    """

    problem: Problem
    threads: int
    rows: int = 0
    answers: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    stopped: dict[str, float] = field(default_factory=dict)
    judged: dict[str, float] = field(default_factory=dict)

    def add(self, peer: str, fields: dict[str, str]) -> None:
        """Store one answer."""
        self.answers.setdefault(peer, []).append(fields)

    def medians(self, key: str = "value") -> dict[str, float]:
        """Return the median per peer of what its answers give under `key`."""
        return {
            peer: statistics.median(float(fields[key]) for fields in answers)
            for peer, answers in self.answers.items()
            if key in answers[0]
        }

    def deviances(self) -> dict[str, list[float]]:
        """Return the deviances of the last run per peer (one per response)."""
        return {
            peer: [float(text) for text in answers[-1]["deviance"].split(",")]
            for peer, answers in self.answers.items()
        }

    def same_criterion(self, peer: str) -> bool:
        """Return whether `peer` was run on the approximation of the problem."""
        return self.problem.nodes_for(peer) == self.problem.nagq

    def gaps(self) -> dict[str, list[float]]:
        """Return how far each peer ends above the lowest deviance.

        Where estimates were judged by one criterion those deviances are compared,
        otherwise the ones the peers report.
        """
        found = {p: d for p, d in self.deviances().items() if self.same_criterion(p)}
        if found.keys() <= self.judged.keys():
            found = {peer: [self.judged[peer]] for peer in found}
        lowest = [min(column) for column in zip(*found.values(), strict=True)]
        return {
            peer: [own - low for own, low in zip(mine, lowest, strict=True)]
            for peer, mine in found.items()
        }

    def seen(self) -> Seen:
        """Return what bars are held against."""
        own, fit = self.deviances().get(OURS), self.medians("fit (s)").get(OURS)
        return Seen(self.medians(), self.stopped, own[0] if own else None, fit)


def gap_text(gaps: list[float]) -> str:
    """Return the largest gap, flagged (with a count) when it is not rounding."""
    above = sum(gap > DEVIANCE_GAP for gap in gaps)
    text = f"{max(gaps):.1e}"
    if above and len(gaps) > 1:
        return f"{text} WORSE ({above} of {len(gaps)})"
    return f"{text} WORSE" if above else text


HEADING = (
    "peer",
    "median",
    "ratio to ours",
    "deviance",
    "above lowest",
    "runs",
    "bar",
)


def bar_text(runs: Runs, peer: str) -> str:
    """Return the bars that stand in the row of `peer`, and whether they are met."""
    texts = []
    for bar in runs.problem.bars:
        verdict = bar.reached(runs.seen(), runs.problem.unit)
        if bar.peer == peer and verdict is not None:
            text = bar.text(runs.problem.unit)
            texts.append(f"{text}: {verdict[0]} ({verdict[1]})")
    return "; ".join(texts)


def row_of(runs: Runs, peer: str, judge: bool) -> tuple[str, ...]:
    """Return the row of a peer that answered, or was stopped before it could."""
    unit, ours = runs.problem.unit, runs.medians().get(OURS)
    bars = bar_text(runs, peer) if judge else ""
    if peer not in runs.answers:
        least = runs.stopped[peer]
        ratio = f"> {least / ours:.0f}" if ours else "-"
        return peer, f"> {unit.show(least)}", ratio, "-", "-", "0", bars
    gaps = runs.gaps().get(peer)
    median = runs.medians()[peer]
    return (
        peer,
        unit.show(median),
        f"{median / ours:.2f}" if ours else "-",
        f"{statistics.fmean(runs.deviances()[peer]):.6f}",
        gap_text(gaps) if gaps else approximation(runs.problem.nodes_for(peer)),
        str(len(runs.answers[peer])),
        bars,
    )


def rows_of(runs: Runs, judge: bool) -> list[tuple[str, ...]]:
    """Return the table of one problem, one row per peer."""
    peers = [*runs.answers, *(p for p in runs.stopped if p not in runs.answers)]
    return [row_of(runs, peer, judge) for peer in peers]


def title_of(runs: Runs) -> str:
    """Return the heading of one problem."""
    problem, plural = runs.problem, "" if runs.threads == 1 else "s"
    return (
        f"{problem.name} ({problem.unit.name}; {problem.criterion}, "
        f"{runs.rows:,} rows, {runs.threads} thread{plural})"
    )


def misreported(runs: Runs) -> list[str]:
    """Return a line for each peer whose own deviance is not that of its estimates."""
    lines = []
    for peer, judged in runs.judged.items():
        error = runs.deviances()[peer][0] - judged
        if abs(error) > DEVIANCE_GAP:
            lines.append(
                f"{peer}: at its estimates the Laplace deviance is {judged:.6f}; "
                f"what it reports is {error:+.1e} off"
            )
    return lines


def remarks_of(runs: Runs, judge: bool) -> list[str]:
    """Return the lines under the table: parts of our run, bars, absences."""
    problem, lines = runs.problem, []
    for peer, answers in runs.answers.items():
        keys = [key for key in answers[0] if key not in TABULATED]
        parts = [f"{key} {runs.medians(key)[peer]:.4g}" for key in keys]
        if parts:
            lines.append(f"{peer}, medians: {', '.join(parts)}")
    for bar in problem.bars if judge else ():
        if bar.reached(runs.seen(), problem.unit) is None:
            text = bar.text(problem.unit)
            lines.append(f"bar: {bar.peer}, {text}: not judged, a run is missing")
    return lines + misreported(runs) + runs.notes


def aligned(table: list[tuple[str, ...]]) -> list[str]:
    """Return the rows: first and last column to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = []
    for first, *others, last in table:
        cells = [first.ljust(widths[0])]
        cells += [c.rjust(w) for c, w in zip(others, widths[1:-1], strict=True)]
        cells.append(last)
        lines.append("  ".join(cells).rstrip())
    return lines


def plain(runs: Runs, judge: bool) -> str:
    """Return one problem as plain text."""
    lines = [title_of(runs), f"  {runs.problem.formula}"]
    if runs.answers or runs.stopped:
        lines += [f"  {line}" for line in aligned([HEADING, *rows_of(runs, judge)])]
    lines += [f"  {line}" for line in remarks_of(runs, judge)]
    return "\n".join(lines) + "\n"


def markdown(runs: Runs, judge: bool) -> str:
    """Return one problem as markdown."""
    lines = [f"### {title_of(runs)}", "", f"`{runs.problem.formula}`", ""]
    if runs.answers or runs.stopped:
        lines += ["| " + " | ".join(HEADING) + " |", "|---|" + "---:|" * 5 + "---|"]
        lines += ["| " + " | ".join(row) + " |" for row in rows_of(runs, judge)] + [""]
    lines += [f"- {line}" for line in remarks_of(runs, judge)]
    return "\n".join(lines) + "\n"
