"""What was measured, as plain text and as markdown."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field

from problems import OURS, Problem

DEVIANCE_GAP = 1e-4
TABULATED = {"value", "deviance", "se"}


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
    """

    problem: Problem
    threads: int
    rows: int = 0
    answers: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

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

    def gaps(self) -> dict[str, list[float]]:
        """Return how far each peer ends above the lowest deviance."""
        found = self.deviances()
        lowest = [min(column) for column in zip(*found.values(), strict=True)]
        return {
            peer: [own - low for own, low in zip(mine, lowest, strict=True)]
            for peer, mine in found.items()
        }


def gap_text(gaps: list[float]) -> str:
    """Return the largest gap, flagged (with a count) when it is not rounding."""
    above = sum(gap > DEVIANCE_GAP for gap in gaps)
    text = f"{max(gaps):.1e}"
    if above and len(gaps) > 1:
        return f"{text} DIFFERS ({above} of {len(gaps)})"
    return f"{text} DIFFERS" if above else text


HEADING = ("peer", "median", "ratio to ours", "deviance", "above lowest", "runs")


def rows_of(runs: Runs) -> list[tuple[str, ...]]:
    """Return the table of one problem, one row per peer."""
    medians, gaps, deviances = runs.medians(), runs.gaps(), runs.deviances()
    ours = medians.get(OURS)
    table = []
    for peer, median in medians.items():
        mean = statistics.fmean(deviances[peer])
        table.append(
            (
                peer,
                runs.problem.unit.show(median),
                f"{median / ours:.2f}" if ours else "-",
                f"{mean:.6f}",
                gap_text(gaps[peer]),
                str(len(runs.answers[peer])),
            )
        )
    return table


def title_of(runs: Runs) -> str:
    """Return the heading of one problem."""
    problem, plural = runs.problem, "" if runs.threads == 1 else "s"
    return (
        f"{problem.name} ({problem.unit.name}; {problem.criterion}, "
        f"{runs.rows:,} rows, {runs.threads} thread{plural})"
    )


def remarks_of(runs: Runs, judge: bool) -> list[str]:
    """Return the lines under the table: parts of our run, bars, absences."""
    problem, lines = runs.problem, []
    for peer, answers in runs.answers.items():
        keys = [key for key in answers[0] if key not in TABULATED]
        parts = [f"{key} {runs.medians(key)[peer]:.4g}" for key in keys]
        if parts:
            lines.append(f"{peer}, medians: {', '.join(parts)}")
    for bar in problem.bars if judge else ():
        verdict = bar.reached(runs.medians(), problem.unit)
        text = f"bar: {bar.text(problem.unit)}: "
        if verdict is None:
            lines.append(text + "not judged, a run is missing")
        else:
            met, seen = verdict
            lines.append(text + ("MET" if met else "NOT MET") + f" ({seen})")
    return lines + runs.notes


def aligned(table: list[tuple[str, ...]]) -> list[str]:
    """Return the rows with the first column to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = []
    for first, *others in table:
        cells = [first.ljust(widths[0])]
        cells += [c.rjust(w) for c, w in zip(others, widths[1:], strict=True)]
        lines.append("  ".join(cells).rstrip())
    return lines


def plain(runs: Runs, judge: bool) -> str:
    """Return one problem as plain text."""
    lines = [title_of(runs), f"  {runs.problem.formula}"]
    if runs.answers:
        lines += [f"  {line}" for line in aligned([HEADING, *rows_of(runs)])]
    lines += [f"  {line}" for line in remarks_of(runs, judge)]
    return "\n".join(lines) + "\n"


def markdown(runs: Runs, judge: bool) -> str:
    """Return one problem as markdown."""
    lines = [f"### {title_of(runs)}", "", f"`{runs.problem.formula}`", ""]
    if runs.answers:
        lines += ["| " + " | ".join(HEADING) + " |", "|---|" + "---:|" * 5]
        lines += ["| " + " | ".join(row) + " |" for row in rows_of(runs)] + [""]
    lines += [f"- {line}" for line in remarks_of(runs, judge)]
    return "\n".join(lines) + "\n"
