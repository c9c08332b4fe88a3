"""Copy the reference figures of simulated residuals, as they stand.

Usage: ``python extract_dharma.py REFERENCE_FOLDER``. It writes ``gold_dharma.json.gz``
and the simulations, rows x draws, of each of its records: residuals and tests by DHARMa
0.5.0 from fixed simulations of fits by lme4 and glmmTMB. Numbers keep all 17 digits.
``Rscript small_residual_tests.R`` adds what its records lack: short series, of which
the distributions are exact.
"""

from __future__ import annotations

import gzip
import json
import shutil
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
UNUSED = "package", "kind", "simulations", "residual_method", "id"


def main(folder):
    """Write all records into one file, and copy the simulations."""
    folder, records = Path(folder), {}
    (HERE / "dharma").mkdir(exist_ok=True)
    for path in sorted((folder / "gold").glob("dharma_*.json")):
        record = json.loads(path.read_text(encoding="utf-8"))
        source = folder / record["simulations"]
        shutil.copyfile(source, HERE / "dharma" / source.name)
        name = path.stem.removeprefix("dharma_")
        records[name] = {k: v for k, v in record.items() if k not in UNUSED}
    text = json.dumps(records, separators=(",", ":"))
    # no time stamp, so the same content gives the same bytes
    packed = gzip.compress(text.encode("utf-8"), mtime=0)
    (HERE / "gold_dharma.json.gz").write_bytes(packed)
    print(f"{len(records)} records")


if __name__ == "__main__":
    main(sys.argv[1])
