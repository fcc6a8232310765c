from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from monitor.baskets.records import Basket, Code
from monitor.errors import RuleError
from monitor.rules.loading import RuleSet, load_rule_set

BASKETS = {
    "magnets": Basket(name="magnets", title="Magnets", codes=(Code(product="CN8:85051110"), Code(product="X:semi"))),
    "semi": Basket(name="semi", title="Semi", codes=(Code(product="X:semi"),)),
    "both": Basket(name="both", title="Both", codes=(Code(product="HS6:850511"), Code(product="HS6:850519"))),
}
GROUPS = {"neighbours": ("CA", "MX")}


@pytest.fixture
def load(tmp_path: Path) -> Callable[..., RuleSet]:
    """Load texts as rule files a.yaml, b.yaml…"""

    def of(*texts: str) -> RuleSet:
        for old in tmp_path.glob("*.yaml"):
            old.unlink()
        for i, text in enumerate(texts):
            (tmp_path / f"{'abcdef'[i]}.yaml").write_text(text, encoding="utf-8")
        return load_rule_set(tmp_path, baskets=BASKETS, partner_groups=GROUPS)

    return of


@pytest.fixture
def refusals(load: Callable[..., RuleSet], tmp_path: Path) -> Callable[..., list[str]]:
    """Return the mistakes of texts as rule files, without the folder."""

    def of(*texts: str) -> list[str]:
        with pytest.raises(RuleError) as caught:
            load(*texts)
        return str(caught.value).replace(f"{tmp_path}/", "").splitlines()

    return of
