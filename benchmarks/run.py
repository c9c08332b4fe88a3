"""Time this package and its peers side by side: ``python benchmarks/run.py``."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

import children
import machine
from children import Child, PeerError, PeerStopped
from contract import OURS, Problem
from problems import ALL, KINDS, PROBLEMS, R_PEERS, chosen
from report import Runs, markdown, plain

README = Path(__file__).resolve().parent / "README.md"
MARKS = {
    "lmm": (
        "<!-- last table: written by run.py --write -->",
        "<!-- end of last table -->",
    ),
    "glmm": (
        "<!-- last table of GLMMs: written by run.py --write -->",
        "<!-- end of last table of GLMMs -->",
    ),
    "inference": (
        "<!-- last table of inference: written by run.py --write -->",
        "<!-- end of last table of inference -->",
    ),
}
SMALL = PROBLEMS["sleepstudy"]
EVALUATION_LIMIT = 120.0
QUICK_SHRINK = 20
QUICK_REPEATS = 2


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--problems", nargs="+", choices=PROBLEMS, default=list(PROBLEMS))
    add(
        "--only",
        metavar="lmm|glmm|inference|NAME",
        choices=(*KINDS, *PROBLEMS),
        help="fits of linear or generalized models only, or inference, or one problem",
    )
    add("--peers", nargs="+", choices=ALL, default=list(ALL))
    add(
        "--r-limit",
        type=float,
        metavar="SECONDS",
        help="stop a run of an R package after this (default: per problem)",
    )
    add("--repeats", type=int, help="runs of each peer (default: per problem)")
    add(
        "--threads",
        nargs="+",
        type=int,
        choices=(1, 2),
        default=[1],
        help="threads of every peer; with two numbers everything is run twice",
    )
    add(
        "--quick",
        action="store_true",
        help=f"simulated data {QUICK_SHRINK} times smaller, {QUICK_REPEATS} runs, "
        "bars not judged: a test of the runner, not a measurement",
    )
    add("--markdown", type=Path, metavar="FILE", help="write markdown tables too")
    add("--write", action="store_true", help="put what is printed into the README")
    return parser.parse_args(arguments)


def settings(options: argparse.Namespace) -> str:
    """Return what was asked for, in one line."""
    threads = " and ".join(map(str, options.threads))
    repeats = options.repeats or "as many as the problem says"
    quick = "; QUICK: small data, not a measurement" if options.quick else ""
    limit = f"; R stopped after {options.r_limit:g} s" if options.r_limit else ""
    return f"benchmarks/run.py: threads {threads}; runs {repeats}{limit}{quick}"


class Printer:
    """Prints as results come and keeps both forms of what was printed."""

    def __init__(self) -> None:
        self._plain: list[tuple[str | None, str]] = []
        self.markdown: list[str] = []

    def text(self, text: str) -> None:
        """Print `text` as it is."""
        print(text, flush=True)
        self._plain.append((None, text))
        self.markdown.append(f"```text\n{text.rstrip()}\n```\n")

    def runs(self, runs: Runs, judge: bool) -> None:
        """Print the table of one problem."""
        text = plain(runs, judge)
        print(text, flush=True)
        self._plain.append((runs.problem.kind, text))
        self.markdown.append(markdown(runs, judge))

    def kinds(self) -> set[str]:
        """Return which kinds of problem were run."""
        return {kind for kind, _ in self._plain if kind is not None}

    def plain(self, wanted: str) -> str:
        """Return what was printed about one kind of problem, and in general."""
        return "\n".join(t for kind, t in self._plain if kind in (None, wanted))


def probe(peers: list[str], threads: int, scratch: Path) -> tuple[list[str], list[str]]:
    """Return the peers that start, and a line about each of `peers`."""
    found, lines = [], []
    for peer in peers:
        reason = children.absent(peer)
        if reason is None:
            try:
                child, fields = started(peer, SMALL, threads, 1, scratch)
            except PeerError as error:
                reason = str(error)
        if reason is not None:
            lines.append(f"{peer} left out: {reason}")
            continue
        child.close()
        found.append(peer)
        r_version = f", R {fields['R']}" if "R" in fields else ""
        blas = f", BLAS {fields['blas']}" if fields["blas"] else ""
        lines.append(f"{peer} {fields['version']}{r_version}{blas}")
    return found, lines


def started(
    peer: str, problem: Problem, threads: int, shrink: int, scratch: Path
) -> tuple[Child, dict[str, str]]:
    """Return a child that is ready, and what it says of itself."""
    child = children.start(peer, problem, threads, shrink, scratch)
    try:
        return child, child.answer(children.START_LIMIT)
    except PeerError:
        child.close()
        raise


def turns(problem: Problem, peer: str, done: int, repeats: int) -> int:
    """Return how often `peer` runs in the turn after `done` runs."""
    if peer in problem.once:
        return 0 if done else 1
    return min(problem.in_a_row, repeats - done)


def alternate(
    runs: Runs, ready: dict[str, Child], repeats: int, r_limit: float | None
) -> None:
    """Run A B C A B C ...; a peer that fails is noted and not asked again."""
    problem = runs.problem
    for done in range(0, repeats, problem.in_a_row):
        for peer, child in list(ready.items()):
            limit = r_limit if r_limit and peer in R_PEERS else problem.limit
            try:
                for _ in range(turns(problem, peer, done, repeats)):
                    runs.add(peer, child.run(problem, limit))
            except PeerError as error:
                if isinstance(error, PeerStopped):
                    runs.stopped[peer] = limit
                runs.notes.append(f"{peer}: {error} (after {done} runs)")
                ready.pop(peer).close()


def judge_estimates(runs: Runs, ready: dict[str, Child]) -> None:
    """Let our worker say the Laplace deviance at the estimates of each peer."""
    if not runs.problem.generalized or runs.problem.nagq != 1 or OURS not in ready:
        return
    for peer, answers in runs.answers.items():
        beta, cov = answers[-1]["beta"], answers[-1]["cov"]
        try:
            found = ready[OURS].evaluate(beta, cov, EVALUATION_LIMIT)
        except PeerError as error:
            runs.notes.append(f"{peer}: estimates could not be judged: {error}")
            continue
        runs.judged[peer] = found


def measure(
    problem: Problem,
    peers: list[str],
    threads: int,
    options: argparse.Namespace,
    scratch: Path,
) -> Runs:
    """Run one problem with all its peers."""
    runs = Runs(problem, threads)
    runs.notes = [f"{p} skipped: {why}" for p, why in problem.skips.items()]
    shrink = QUICK_SHRINK if options.quick else 1
    repeats = QUICK_REPEATS if options.quick else options.repeats or problem.repeats
    ready: dict[str, Child] = {}
    try:
        for peer in peers:
            if peer not in problem.peers:
                continue
            try:
                ready[peer], told = started(peer, problem, threads, shrink, scratch)
                runs.rows = int(told["rows"])
            except PeerError as error:
                runs.notes.append(f"{peer}: {error}")
        repeats = repeats if problem.repeatable else 1
        alternate(runs, ready, repeats, options.r_limit)
        judge_estimates(runs, ready)
    finally:
        for child in ready.values():
            child.close()
    return runs


def fill(readme: Path, text: str, marks: tuple[str, str]) -> None:
    """Replace what stands between the two marks in `readme`."""
    start, end = marks
    before, rest = readme.read_text(encoding="utf-8").split(start)
    after = rest.split(end)[1]
    block = f"{start}\n\n```text\n{text.rstrip()}\n```\n\n{end}"
    readme.write_text(before + block + after, encoding="utf-8")


def measure_all(options: argparse.Namespace, printer: Printer) -> None:
    """Run everything that was asked for."""
    problems = [PROBLEMS[name] for name in chosen(options.problems, options.only)]
    wanted = {peer for problem in problems for peer in problem.peers}
    asked = [peer for peer in options.peers if peer in wanted]
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        peers, lines = probe(asked, max(options.threads), scratch)
        printer.text("\n".join([machine.describe(), *lines]) + "\n")
        for threads in options.threads:
            for problem in problems:
                runs = measure(problem, peers, threads, options, scratch)
                printer.runs(runs, judge=not options.quick)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmarks; the exit code tells only whether they ran."""
    options = parse(arguments)
    printer = Printer()
    printer.text(settings(options))
    measure_all(options, printer)
    if options.markdown is not None:
        options.markdown.write_text("\n".join(printer.markdown), encoding="utf-8")
    if options.write:
        for kind in printer.kinds():
            fill(README, printer.plain(kind), MARKS[kind])
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
