"""Let test folders import the helpers: ``from reference.dense import ...``."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
