"""Many independent repetitions: seeds, chunks, processes, progress, interruption."""

from __future__ import annotations

from contextlib import contextmanager

import numpy as np

from ...errors import DataError, MixedModelError


def run_chunks(task, n, size, rng=None, *, n_jobs=1, progress=False):
    """Do `n` repetitions in chunks, each with a random stream of its own.

    Parameters
    ----------
    task : callable
        Of a `numpy.random.Generator` and a number of repetitions; to be pickled
        when there are several processes.
    n : int
        Repetitions.
    size : int
        Most of one chunk. Streams go by chunk, so that it decides about the draws.
    rng : int or numpy.random.Generator, optional
    n_jobs : int
        Processes, as joblib has it; results do not depend on it.
    progress : bool
        Show a progress bar (needs tqdm).

    Returns
    -------
    results : list
        What `task` returned, in order.
    interrupted : bool
        Whether the user stopped it; `results` are then those that were finished.
    """
    check_count("n", n)
    counts = [size] * (n // size) + ([n % size] if n % size else [])
    seed = int(np.random.default_rng(rng).integers(2**63))
    seeds = np.random.SeedSequence(seed).spawn(len(counts))
    jobs = zip([task] * len(counts), seeds, counts, strict=True)
    done = []
    with progress_bar(progress, n) as report:
        try:
            for count, result in zip(counts, _results(jobs, n_jobs), strict=True):
                done.append(result)
                report(count)
        except KeyboardInterrupt:
            return done, True
    return done, False


def check_count(name, n):
    """Refuse what is not a whole number of 1 or more."""
    if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 1:
        raise DataError(f"{name}={n!r}: give a whole number, 1 or more.")


def _one(task, seed, count):
    return task(np.random.default_rng(seed), count)


def _results(jobs, n_jobs):
    """An iterator over the results, as they are wanted or from processes."""
    if n_jobs == 1:
        return (_one(*job) for job in jobs)
    try:
        from joblib import Parallel, delayed
    except ImportError as error:
        raise MixedModelError(
            f"n_jobs={n_jobs} needs joblib: pip install joblib."
        ) from error
    return Parallel(n_jobs, return_as="generator")(delayed(_one)(*job) for job in jobs)


@contextmanager
def progress_bar(progress, total, unit="draws"):
    """What to call with the number of things that are finished."""
    if not progress:
        yield lambda count: None
        return
    try:
        from tqdm.auto import tqdm
    except ImportError as error:
        raise MixedModelError(
            "progress=True needs tqdm: pip install 'statsmodels-mixed[progress]'."
        ) from error
    with tqdm(total=total, unit=f" {unit}") as bar:
        yield bar.update
