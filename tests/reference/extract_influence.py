"""Copy the reference figures of influence, as they stand.

Usage: ``python extract_influence.py REFERENCE_FOLDER``. It writes
``gold_influence.json.gz``: hat values, Cook's distances and DFBETAS that gold_infer.R
computed with lme4 1.1-31 from the sleepstudy fit and from fits without each subject and
each row. Numbers keep all 17 digits.
"""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main(folder):
    """Write the record into a file of one."""
    path = Path(folder) / "gold" / "influence.json"
    records = [json.loads(path.read_text(encoding="utf-8"))]
    text = json.dumps(records, separators=(",", ":"))
    # no time stamp, so the same content gives the same bytes
    packed = gzip.compress(text.encode("utf-8"), mtime=0)
    (HERE / "gold_influence.json.gz").write_bytes(packed)
    print(f"{len(records)} records")


if __name__ == "__main__":
    main(sys.argv[1])
