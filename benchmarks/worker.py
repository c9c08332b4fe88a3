"""Child process that runs one Python package on one problem.

``python worker.py run PEER PROBLEM SHRINK`` reads one request per line and answers
with one line each; ``python worker.py export PROBLEM SHRINK FOLDER`` writes the
data for the R process. Lines of the protocol start with ``@`` and hold
``key=value`` fields with tabs between; everything else on the pipe is chatter.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import os
import sys
import warnings
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
from children import MEMORY_LIMIT
from contract import Problem
from inference import OURS_TASKS
from linear import sleepstudy_responses
from peers import PYTHON_PEERS, Timing
from problems import PROBLEMS, warm_of


def reply(**fields: str) -> None:
    """Write one line of the protocol."""
    text = "\t".join(f"{key}={value}" for key, value in fields.items())
    print(f"@{text}", flush=True)


def describe(timing: Timing, value: float) -> dict[str, str]:
    """Return the fields of one answer."""
    return {
        "value": repr(float(value)),
        "deviance": ",".join(repr(float(d)) for d in timing.deviance),
        "se": ",".join(f"{se:.6g}" for se in timing.se),
        **timing.extras,
    }


def run_fit(peer, problem: Problem, data) -> dict[str, str]:
    """Seconds of one fit."""
    timing = peer.fit(problem, data)
    return describe(timing, timing.seconds)


def run_refit(peer, problem: Problem, data) -> dict[str, str]:
    """Seconds per response."""
    responses = sleepstudy_responses(problem.make(1))
    timing = peer.refit(problem, data, responses)
    return describe(timing, timing.seconds / responses.shape[1])


def run_memory(peer, problem: Problem, data) -> dict[str, str]:
    """Peak above the frame and the imported packages, in design matrices."""
    baseline = settled_memory()
    timing = peer.fit(problem, data)
    growth = memory_figure("VmHWM") - baseline
    design = len(data) * problem.columns * 8
    fields = describe(timing, growth / design)
    return {**fields, "peak above baseline (MB)": repr(growth / 1e6)}


def inference_task(run):
    """Seconds of one question to a fit; only our worker is asked."""

    def task(peer, problem: Problem, data) -> dict[str, str]:
        timing = run(problem, data)
        return describe(timing, timing.seconds)

    return task


TASKS = {"fit": run_fit, "refit": run_refit, "memory": run_memory}
TASKS |= {name: inference_task(run) for name, run in OURS_TASKS.items()}


def evaluate(peer, problem: Problem, data, beta: str, cov: str) -> dict[str, str]:
    """Our Laplace deviance at the estimates of a peer; only our worker is asked."""
    return {"deviance": repr(peer.evaluate(problem, data, beta, cov))}


def memory_figure(name: str) -> int:
    """Return `VmRSS` or `VmHWM` in bytes; elsewhere than on Linux the peak."""
    status = Path("/proc/self/status")
    if not status.exists():
        import resource

        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    lines = status.read_text(encoding="ascii").splitlines()
    return next(int(ln.split()[1]) for ln in lines if ln.startswith(name)) * 1024


def settled_memory() -> int:
    """Return what the process holds now and start a new peak from here.

    Freed memory is handed back first: kept by the allocator it would count as
    baseline and make the growth look smaller. ``ru_maxrss`` alone will not do, as
    it still holds the peak of the data generator.
    """
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return memory_figure("VmHWM")
    return memory_figure("VmRSS")


def limit_memory() -> None:
    """Cap the address space: a peer that asks for the whole machine is refused."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, MEMORY_LIMIT))


def blas() -> str:
    """Return the BLAS numpy uses and its number of threads."""
    try:
        from threadpoolctl import threadpool_info
    except ImportError:
        return f"{os.environ.get('OMP_NUM_THREADS', '?')} threads asked for"
    pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    texts = [f"{p['internal_api']} {p['version']} x{p['num_threads']}" for p in pools]
    return ", ".join(sorted(set(texts)))


def serve(peer_name: str, problem: Problem, shrink: int) -> None:
    """Answer requests until the pipe is closed."""
    peer = PYTHON_PEERS[peer_name]
    importlib.import_module(peer.module)
    warm = warm_of(problem)
    if problem.repeatable:
        peer.fit(warm, peer.prepare(warm, warm.make(1)))
    data = peer.prepare(problem, problem.make(shrink))
    reply(version=package_version(peer), blas=blas(), rows=len(data))
    for line in sys.stdin:
        task, *rest = line.rstrip("\n").split("\t")
        if problem.in_a_row == 1:
            gc.collect()  # walking all objects empties the caches: not before a few ms
        try:
            if task == "evaluate":
                reply(**evaluate(peer, problem, data, *rest))
            else:
                reply(**TASKS[task](peer, problem, data))
        except Exception as error:
            reply(error=f"{type(error).__name__}: {str(error).splitlines()[0]}")


def package_version(peer) -> str:
    """Return the version of the imported package, else that of the installed one."""
    module = importlib.import_module(peer.module.split(".")[0])
    return getattr(module, "__version__", None) or version(peer.package)


def export(problem: Problem, shrink: int, folder: Path) -> None:
    """Write the frame (and the responses of `refit`) as raw columns for R."""
    frame = problem.make(shrink)
    folder.mkdir(parents=True, exist_ok=True)
    kinds = []
    for position, (name, column) in enumerate(frame.items(), start=1):
        if isinstance(column.dtype, pd.CategoricalDtype):
            (column.cat.codes.to_numpy("<i4") + 1).tofile(folder / f"{position}.bin")
            levels = "\n".join(map(str, column.cat.categories)) + "\n"
            (folder / f"{position}.levels").write_text(levels, encoding="utf-8")
            kinds.append(f"{name}\tfactor\t{len(frame)}")
        elif pd.api.types.is_numeric_dtype(column):
            column.to_numpy("<f8").tofile(folder / f"{position}.bin")
            kinds.append(f"{name}\tnumber\t{len(frame)}")
    if problem.task == "refit":
        responses = sleepstudy_responses(frame)
        responses.T.astype("<f8").tofile(folder / "responses.bin")
        kinds = [f"{line}\t{responses.shape[1]}" for line in kinds]
    (folder / "columns.tsv").write_text("\n".join(kinds) + "\n", encoding="utf-8")


def main() -> None:
    """Read the command line and do as it says."""
    mode, *rest = sys.argv[1:]
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    if mode == "export":
        name, shrink, folder = rest
        export(PROBLEMS[name], int(shrink), Path(folder))
        return
    limit_memory()
    peer_name, name, shrink = rest
    try:
        serve(peer_name, PROBLEMS[name], int(shrink))
    except Exception as error:
        reply(error=f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
