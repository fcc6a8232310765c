"""A small synthetic group of the quality benchmark, drawn once."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.quality.cases import ORIGINS, Group, Stratum
from benchmarks.quality.synthetic import Synthetic, draw


@pytest.fixture(scope="session")
def drawn() -> Synthetic:
    return draw(96, seed=11)


@pytest.fixture(scope="session")
def group(drawn: Synthetic) -> Group:
    rows = np.arange(len(drawn.panel.keys))
    strata = np.where(drawn.intermittent, Stratum.INTERMITTENT, Stratum.SYNTHETIC).astype(object)
    columns = np.arange(drawn.panel.shape[1] - ORIGINS, drawn.panel.shape[1])
    return Group(name="synthetic", panel=drawn.panel, rows=rows, strata=strata, columns=columns, law=drawn.law)
