"""Time this package and its peers side by side: ``python benchmarks/run.py``."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

import children
import machine
from children import Child, PeerError
from problems import ALL, PROBLEMS, Problem
from report import Runs, markdown, plain

README = Path(__file__).resolve().parent / "README.md"
START_MARK = "<!-- last table: written by run.py --write -->"
END_MARK = "<!-- end of last table -->"
WARM = PROBLEMS["sleepstudy"]
QUICK_SHRINK = 20
QUICK_REPEATS = 2


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--problems", nargs="+", choices=PROBLEMS, default=list(PROBLEMS))
    add("--peers", nargs="+", choices=ALL, default=list(ALL))
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
    return f"benchmarks/run.py: threads {threads}; runs {repeats}{quick}"


class Printer:
    """Prints as results come and keeps both forms of what was printed."""

    def __init__(self) -> None:
        self.plain: list[str] = []
        self.markdown: list[str] = []

    def text(self, text: str) -> None:
        """Print `text` as it is."""
        print(text, flush=True)
        self.plain.append(text)
        self.markdown.append(f"```text\n{text.rstrip()}\n```\n")

    def runs(self, runs: Runs, judge: bool) -> None:
        """Print the table of one problem."""
        text = plain(runs, judge)
        print(text, flush=True)
        self.plain.append(text)
        self.markdown.append(markdown(runs, judge))


def probe(peers: list[str], threads: int, scratch: Path) -> tuple[list[str], list[str]]:
    """Return the peers that start, and a line about each of `peers`."""
    found, lines = [], []
    for peer in peers:
        reason = children.absent(peer)
        if reason is None:
            try:
                child, fields = started(peer, WARM, threads, 1, scratch)
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
    child = children.start(peer, problem, WARM, threads, shrink, scratch)
    try:
        return child, child.answer(children.START_LIMIT)
    except PeerError:
        child.close()
        raise


def alternate(runs: Runs, ready: dict[str, Child], repeats: int) -> None:
    """Run A B C A B C ...; a peer that fails is noted and not asked again."""
    block = runs.problem.in_a_row
    for done in range(0, repeats, block):
        for peer, child in list(ready.items()):
            try:
                for _ in range(min(block, repeats - done)):
                    runs.add(peer, child.run(runs.problem))
            except PeerError as error:
                runs.notes.append(f"{peer}: {error} (after {done} runs)")
                ready.pop(peer).close()


def measure(
    problem: Problem,
    peers: list[str],
    threads: int,
    options: argparse.Namespace,
    scratch: Path,
) -> Runs:
    """Run one problem with all its peers."""
    runs = Runs(problem, threads)
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
        alternate(runs, ready, repeats if problem.repeatable else 1)
    finally:
        for child in ready.values():
            child.close()
    return runs


def fill(readme: Path, text: str) -> None:
    """Replace what stands between the two marks of `readme`."""
    old = readme.read_text(encoding="utf-8")
    before, rest = old.split(START_MARK)
    after = rest.split(END_MARK)[1]
    block = f"{START_MARK}\n\n```text\n{text.rstrip()}\n```\n\n{END_MARK}"
    readme.write_text(before + block + after, encoding="utf-8")


def measure_all(options: argparse.Namespace, printer: Printer) -> None:
    """Run everything that was asked for."""
    with tempfile.TemporaryDirectory() as folder:
        peers, lines = probe(options.peers, max(options.threads), Path(folder))
        printer.text("\n".join([machine.describe(), *lines]) + "\n")
        for threads in options.threads:
            for name in options.problems:
                scratch = Path(folder)
                runs = measure(PROBLEMS[name], peers, threads, options, scratch)
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
        fill(README, "\n".join(printer.plain))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
