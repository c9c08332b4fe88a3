"""Let test folders import the helpers: ``from reference.dense import ...``."""

import os
import sys
from pathlib import Path

from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parent))

# A build that fails must fail again: new examples are for those who run tests by hand.
settings.register_profile("repeatable", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("repeatable")
