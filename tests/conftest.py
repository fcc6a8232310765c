"""What all tests share: programs that a machine may lack are named and skipped, or forbidden to be missing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator
from pathlib import Path
from typing import TypeVar

import pytest

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)

FORBIDDEN = bool(os.environ.get("MONITOR_FORBID_SKIPS"))
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skipped test into a failure with its reason, where skips are forbidden."""
    return _without_skip((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Do the same for a module that skips itself while it is collected."""
    return _without_skip((yield))


def _without_skip(report: Report) -> Report:
    if FORBIDDEN and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{report.nodeid}: skips are forbidden here (MONITOR_FORBID_SKIPS): {reason}"
    return report


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of a Chromium browser."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    return found or pytest.skip("this machine has no Chromium (Debian: apt-get install chromium)")


@pytest.fixture(scope="session")
def repository() -> Path:
    """The folder that holds the package, its configuration and its documentation."""
    return Path(__file__).resolve().parent.parent
