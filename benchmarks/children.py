"""The parent's side: one child process per peer, asked one run at a time.

A child of its own for each package means that a run can be stopped, that a package
that aborts takes nothing with it, and that no allocator or thread pool is shared.
"""

from __future__ import annotations

import contextlib
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
from importlib.util import find_spec
from pathlib import Path

from contract import Problem
from peers import PYTHON_PEERS
from problems import R_PEERS, warm_of

HERE = Path(__file__).resolve().parent
START_LIMIT = 600.0
MEMORY_LIMIT = 12 << 30
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "RAYON_NUM_THREADS",
    "POLARS_MAX_THREADS",
)


class PeerError(Exception):
    """A peer could not answer; the text says why."""


class PeerStopped(PeerError):
    """A peer took longer than it was given."""


def environment(threads: int) -> dict[str, str]:
    """Return the environment of a child: thread counts, this checkout first."""
    env = dict(os.environ, PYTHONDONTWRITEBYTECODE="1")
    env.update(dict.fromkeys(THREAD_VARIABLES, str(threads)))
    paths = [str(HERE.parent), env.get("PYTHONPATH", "")]
    env["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
    return env


def absent(peer: str) -> str | None:
    """Return why `peer` cannot be started, or None."""
    if peer in R_PEERS:
        return None if shutil.which("Rscript") else "Rscript is not on the path"
    module = PYTHON_PEERS[peer].module.split(".")[0]
    sys.path.insert(0, str(HERE.parent))
    try:
        spec = find_spec(module)
    finally:
        sys.path.remove(str(HERE.parent))
    if spec is None or spec.origin is None:
        return f"no module named {module}"
    return None


def export(problem: Problem, shrink: int, folder: Path) -> None:
    """Write the data of `problem` for R, in a child, once per folder."""
    if not (folder / "columns.tsv").exists():
        arguments = ["export", problem.name, str(shrink), str(folder)]
        subprocess.run(
            [sys.executable, str(HERE / "worker.py"), *arguments],
            env=environment(1),
            check=True,
        )


class Child:
    """One running peer.

    Parameters
    ----------
    peer : str
        Name of the package.
    command : list of str
        Command line of the worker.
    threads : int
        Threads for BLAS and for the thread pools of the Rust packages.
    """

    def __init__(self, peer: str, command: list[str], threads: int):
        self.peer = peer
        self._chatter = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._chatter,
            env=environment(threads),
            text=True,
        )
        self._lines: queue.Queue = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        for line in self._process.stdout:
            if line.startswith("@"):
                self._lines.put(line[1:].rstrip("\n"))
        self._lines.put(None)

    def answer(self, limit: float) -> dict[str, str]:
        """Return the next answer, or raise PeerError after `limit` seconds."""
        try:
            line = self._lines.get(timeout=limit)
        except queue.Empty:
            self.close()
            raise PeerStopped(f"stopped after {limit:g} s") from None
        if line is None:
            raise PeerError(f"died: {self._last_words()}")
        fields = dict(part.split("=", 1) for part in line.split("\t"))
        if "error" in fields:
            raise PeerError(fields["error"])
        return fields

    def run(self, problem: Problem, limit: float) -> dict[str, str]:
        """Ask for one run of `problem`."""
        return self._ask(problem.request(self.peer), limit)

    def evaluate(self, beta: str, cov: str, limit: float) -> float:
        """Ask our worker for the deviance at the estimates of a peer."""
        return float(self._ask(("evaluate", beta, cov), limit)["deviance"])

    def _ask(self, request: tuple[str, ...], limit: float) -> dict[str, str]:
        try:
            self._process.stdin.write("\t".join(request) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise PeerError(f"died: {self._last_words()}") from None
        return self.answer(limit)

    def _last_words(self) -> str:
        self._process.wait()
        self._chatter.seek(0)
        lines = [ln.strip() for ln in self._chatter if ln.strip()]
        told = [ln for ln in lines if "failed" in ln or "rror" in ln] or lines
        return told[0] if told else f"exit code {self._process.returncode}"

    def close(self) -> None:
        """End the child."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._chatter.close()


def start(
    peer: str, problem: Problem, threads: int, shrink: int, scratch: Path
) -> Child:
    """Start the worker of `peer` on `problem`; it is ready when it answers.

    Parameters
    ----------
    peer : str
        Name of the package.
    problem : Problem
        What will be run.
    threads : int
        Threads of the child.
    shrink : int
        Simulated data have ``1/shrink`` of their rows.
    scratch : Path
        Folder for the data files of R.
    """
    if peer not in R_PEERS:
        worker = [sys.executable, str(HERE / "worker.py"), "run"]
        return Child(peer, [*worker, peer, problem.name, str(shrink)], threads)
    warm = warm_of(problem)
    folders = [scratch / problem.name, scratch / warm.name]
    for wanted, folder in zip((problem, warm), folders, strict=True):
        export(wanted, shrink, folder)
    rscript = ["Rscript", "--vanilla", str(HERE / "r_worker.R"), peer]
    arguments = [*map(str, folders), str(problem.in_a_row), *warm.request(peer)]
    limited = ["sh", "-c", f'ulimit -v {MEMORY_LIMIT >> 10}; exec "$@"', "sh"]
    return Child(peer, [*limited, *rscript, *arguments], threads)
