"""Copy the reference figures of inference and prediction, as they stand.

Usage: ``python extract_inference.py REFERENCE_FOLDER``. It writes
``gold_inference.json.gz``: tests, degrees of freedom, marginal means, profiles and
predictions that gold_infer.R computed from fits with lmerTest 3.1-3, pbkrtest 0.5.2,
emmeans 1.8.4, RLRsim 3.1-8, performance 0.10.2 and lme4 1.1-31. Numbers keep all 17
digits.
"""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PATTERNS = "infer_*", "profile_*"
SINGLE = "anova_lrt", "emmeans", "krmodcomp", "predict", "r2_glmm", "rlrsim"


def main(folder):
    """Write all records into one file."""
    gold = Path(folder) / "gold"
    paths = [gold / f"{name}.json" for name in SINGLE]
    for pattern in PATTERNS:
        paths += sorted(gold.glob(f"{pattern}.json"))
    records = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
    text = json.dumps(records, separators=(",", ":"))
    # no time stamp, so the same content gives the same bytes
    packed = gzip.compress(text.encode("utf-8"), mtime=0)
    (HERE / "gold_inference.json.gz").write_bytes(packed)
    print(f"{len(records)} records")


if __name__ == "__main__":
    main(sys.argv[1])
