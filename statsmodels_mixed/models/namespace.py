"""Names a formula may use beside the columns of the data."""

from __future__ import annotations

import sys
from collections import ChainMap

import numpy as np

ALWAYS = {"np": np}


def caller_namespace(depth):
    """Locals and globals of the frame that called us, `depth` levels up.

    A formula may always say ``np.log(x)``, whether or not the caller imported
    numpy under that name.
    """
    frame = sys._getframe(depth + 1)
    return ChainMap(frame.f_locals, frame.f_globals, ALWAYS)
