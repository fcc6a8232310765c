from __future__ import annotations

import pytest

from monitor.countries import GROUPS, PartnerKind, code_of, find_code, name_of, partner_kind, partner_of

CENSUS = {
    "AUSTRALIA": "AU", "AUSTRIA": "AT", "BELGIUM": "BE", "BRAZIL": "BR", "CANADA": "CA", "CHILE": "CL", "CHINA": "CN",
    "COLOMBIA": "CO", "EUROPEAN UNION": "EU", "FRANCE": "FR", "GERMANY": "DE", "INDIA": "IN", "INDONESIA": "ID",
    "IRELAND": "IE", "ISRAEL": "IL", "ITALY": "IT", "JAPAN": "JP", "KOREA, SOUTH": "KR", "MALAYSIA": "MY", "MEXICO": "MX",
    "NETHERLANDS": "NL", "RUSSIA": "RU", "SAUDI ARABIA": "SA", "SINGAPORE": "SG", "SPAIN": "ES", "SWEDEN": "SE",
    "SWITZERLAND": "CH", "TAIWAN": "TW", "THAILAND": "TH", "TOTAL FOR ALL COUNTRIES": "WORLD", "UNITED KINGDOM": "GB",
    "USMCA (NAFTA)": "USMCA", "VIETNAM": "VN", "TURKEY": "TR", "PHILIPPINES": "PH", "HONG KONG": "HK", "MACAU": "MO",
    "SOUTH AFRICA": "ZA", "BANGLADESH": "BD", "CAMBODIA": "KH", "SRI LANKA": "LK", "COTE D'IVOIRE": "CI", "BURMA": "MM",
    "DOMINICAN REPUBLIC": "DO", "UNITED ARAB EMIRATES": "AE", "CZECH REPUBLIC": "CZ", "NEW ZEALAND": "NZ", "PERU": "PE",
    "COSTA RICA": "CR", "TRINIDAD AND TOBAGO": "TT", "BOSNIA AND HERZEGOVINA": "BA", "GUINEA-BISSAU": "GW", "NORWAY": "NO",
}  # fmt: skip

CHINESE = {
    "德国": "DE", "美国": "US", "日本": "JP", "韩国": "KR", "越南": "VN", "泰国": "TH", "印度尼西亚": "ID", "马来西亚": "MY",
    "印度": "IN", "中国香港": "HK", "香港": "HK", "中国台湾": "TW", "台湾省": "TW", "中国台澎金马关税区": "TW", "中国澳门": "MO",
    "澳门": "MO", "中国": "CN", "新加坡": "SG", "菲律宾": "PH", "墨西哥": "MX", "加拿大": "CA", "巴西": "BR", "英国": "GB",
    "法国": "FR", "意大利": "IT", "荷兰": "NL", "西班牙": "ES", "波兰": "PL", "捷克": "CZ", "匈牙利": "HU", "斯洛文尼亚": "SI",
    "斯洛伐克": "SK", "瑞士": "CH", "瑞典": "SE", "丹麦": "DK", "芬兰": "FI", "奥地利": "AT", "比利时": "BE", "罗马尼亚": "RO",
    "土耳其": "TR", "俄罗斯联邦": "RU", "俄罗斯": "RU", "澳大利亚": "AU", "南非": "ZA", "以色列": "IL", "几内亚": "GN",
    "几内亚比绍": "GW", "巴布亚新几内亚": "PG",
}  # fmt: skip


@pytest.mark.parametrize(("name", "code"), [*CENSUS.items(), *CHINESE.items()])
def test_names_that_customs_offices_write_have_their_code(name: str, code: str) -> None:
    assert code_of(name) == code


@pytest.mark.parametrize("name", ["us", "USA", "United States", "UNITED STATES", " united  states ", "United States of America"])
def test_one_country_has_one_code_in_any_case_and_spelling(name: str) -> None:
    assert code_of(name) == "US"


def test_norway_is_a_country_and_not_a_no() -> None:
    assert (code_of("NO"), code_of("no"), code_of("NOR")) == ("NO", "NO", "NO")


@pytest.mark.parametrize("code", ["US", "KR", "HK", "TR", "VN", "CI", "BA", "EU", "USMCA", "ASEAN", "WORLD", "ZZ"])
def test_the_name_people_are_shown_leads_back_to_its_code(code: str) -> None:
    assert code_of(name_of(code)) == code


def test_people_are_shown_plain_english_names() -> None:
    shown = [name_of(code) for code in ("US", "KR", "VN", "HK", "TW", "TR", "CZ", "WORLD", "EU")]
    assert shown[:4] == ["United States", "South Korea", "Vietnam", "Hong Kong"]
    assert shown[4:] == ["Taiwan", "Turkey", "Czechia", "World", "European Union"]


def test_an_unknown_name_is_refused_by_name_with_the_nearest_one() -> None:
    with pytest.raises(ValueError, match=r'unknown country "Germny"; did you mean "Germany"\?$'):
        code_of("Germny")
    with pytest.raises(ValueError, match=r'^unknown country "Atlantis Prime"$'):
        code_of("Atlantis Prime")


def test_a_name_may_be_looked_up_without_a_refusal() -> None:
    assert [find_code(name) for name in ("China", "KOREA, SOUTH", "vn", "Chnia", "")] == ["CN", "KR", "VN", "", ""]


def test_a_files_own_word_comes_before_a_name_and_an_unknown_one_is_told_where_to_get_its_code() -> None:
    assert [partner_of(text, {"Italien": "IT"}) for text in ("Italien", "Germany")] == ["IT", "DE"]
    with pytest.raises(ValueError, match=r'^unknown country "Italien"; give it a code under partners$'):
        partner_of("Italien", {})
    with pytest.raises(ValueError, match=r'did you mean "Germany"\?$'):
        partner_of("Germny", {})


@pytest.mark.parametrize("name", ["几内", "United", "", "  ", "Korea, Sou", "001"])
def test_a_part_of_a_name_is_not_that_name(name: str) -> None:
    with pytest.raises(ValueError, match="unknown country"):
        code_of(name)


def test_groups_and_the_world_are_not_countries() -> None:
    assert {partner_kind(code) for code in GROUPS} == {PartnerKind.GROUP}
    assert partner_kind("WORLD") is PartnerKind.WORLD
    assert partner_kind("ZZ") is PartnerKind.GROUP
    assert {partner_kind(code) for members in GROUPS.values() for code in members} == {PartnerKind.COUNTRY}
    assert all(code_of(name_of(code)) == code for members in GROUPS.values() for code in members)
