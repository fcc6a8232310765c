from __future__ import annotations

import pytest

from monitor.baskets.partners import load_partner_groups, why_no_partner
from monitor.errors import ConfigError


def test_a_group_names_partners_by_their_codes(tmp_path):
    path = tmp_path / "p.yaml"
    path.write_text("groups:\n  nordic: [NO, SE, Danmark]\n  each: [CN]\n  asia: [China, XX]\n")
    with pytest.raises(ConfigError) as caught:
        load_partner_groups(path)
    found = str(caught.value).splitlines()
    assert found[0].startswith(f'{path}:2:20: unknown country "Danmark"')
    assert found[1].startswith(f'{path}:3:3: "each" is no name')
    assert found[2:] == [
        f'{path}:4:10: "China" is not a code of a partner; write CN',
        f'{path}:4:17: "XX" is not the ISO code of a country',
    ]


@pytest.mark.parametrize("code", ["NO", "CN", "EU", "WORLD"])
def test_codes_of_countries_groups_and_the_world_are_partners(code):
    assert why_no_partner(code) == ""
