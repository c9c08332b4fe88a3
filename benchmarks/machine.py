"""Where and with what the figures were measured."""

from __future__ import annotations

import datetime
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("numpy", "scipy", "pandas", "patsy", "statsmodels", "polars")


def cpu_model() -> str:
    """Return the name of the processor."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def memory_gigabytes() -> str:
    """Return the memory of the machine in GB, where it can be asked."""
    try:
        size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return "unknown"
    return f"{size / 1e9:.0f} GB"


def installed(package: str) -> str:
    """Return the installed version of `package`."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"


def describe() -> str:
    """Return date, machine and versions, one line each."""
    packages = ", ".join(f"{name} {installed(name)}" for name in PACKAGES)
    lines = [
        f"date: {datetime.date.today().isoformat()}",
        f"machine: {cpu_model()}, {os.cpu_count()} cores, {memory_gigabytes()}, "
        f"{platform.system()} {platform.machine()}",
        f"python {platform.python_version()}, {packages}",
    ]
    return "\n".join(lines)
