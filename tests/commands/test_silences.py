"""Silences at the command line: said before it is written, kept, listed, ended, and what they hold back shown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

JAPAN = 'partner="JP"'
NEXT = "period,partner,product,value_t,kind\n{period},Japan,CN8:85051110,{tonnes},stated\n"
TODAY = datetime.now(UTC).date()
SOON = (TODAY + timedelta(days=30)).isoformat()


def adds(desk, *more, matchers=(JAPAN,), reason="known outage", by="ada"):
    return desk.json("silences", "add", *matchers, "--reason", reason, "--by", by, *(more or ("--until", SOON)))


def comes(desk, period, tonnes):
    """Let the figure of a month for Japan come out and be judged."""
    (desk.folder / "next.csv").write_text(NEXT.format(period=period, tonnes=tonnes), encoding="utf-8")
    desk.reads("import", "gacc", str(desk.folder / "next.csv"))
    return desk.json("evaluate")


def pages(desk):
    """Return the text of every message that a person got."""
    desk.types("deliver")
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted((desk.folder / "var/outbox").glob("*.eml")))


def test_what_it_would_hold_back_is_said_and_with_dry_run_nothing_is_written(desk):
    said = desk.reads("silences", "add", JAPAN, "--reason", "x", "--until", SOON, "--dry-run")
    assert "It fits 1 open alert, of magnet-below-last-year; desk and terminal would hear of it." in said
    assert "Nothing is written; without --dry-run it would hold from now until" in said
    assert desk.reads("silences", "list", "--all") == "No silence.\n"


def test_a_value_that_no_alert_ever_had_is_said_to_be_one(desk):
    words = ("silences", "add", "--reason", "x", "--until", SOON, "--dry-run")
    assert "No alert that was ever found here fits it." in desk.reads(*words, 'partner="JX"')
    assert "ever found" not in desk.reads(*words, 'partner="US"'), "one that is over by now"


def test_a_silence_is_written_and_listed_with_how_many_alerts_it_holds_back(desk):
    made = adds(desk)
    assert (made["written"], made["rules"], made["receivers"]) == (True, ["magnet-below-last-year"], ["desk", "terminal"])
    [listed] = desk.json("silences", "list")
    assert (listed["id"], listed["state"], listed["alerts"]) == (made["id"], "in force", 1)
    assert (listed["author"], listed["reason"], listed["matchers"]) == ("ada", "known outage", [JAPAN])
    assert made["id"][:8] in desk.reads("silences", "list")


def test_a_silence_is_shown_with_the_open_alerts_that_it_fits(desk):
    made = adds(desk)
    said = desk.reads("silences", "show", made["id"][:8])
    assert said.startswith('partner="JP"\n')
    assert "By ada on " in said
    assert "Magnets with semi-finished goods, China to Japan" in said
    assert desk.json("silences", "show", made["id"])["alerts"] == made["alerts"]


def test_it_waits_for_its_first_day(desk):
    adds(desk, "--from", (TODAY + timedelta(days=2)).isoformat(), "--until", SOON)
    assert [one["state"] for one in desk.json("silences", "list")] == ["waits"]


REFUSED = [
    (['partnr="US"', "--until", SOON], 'no alert has the label "partnr"; did you mean "partner"?'),
    (['partner!="US"', "--until", SOON], 'partner!="US" chooses next to nothing'),
    (['partner=~".+"', "--until", SOON], 'partner=~".+" chooses next to nothing'),
    (['flow="export"', "--until", SOON], "alerts that there ever were; name what is meant, or write --everything"),
    ([JAPAN, "--until", "2020-01-01"], "the last day of the silence, 2020-01-01, comes before it begins"),
    ([JAPAN, "--until", "2199-01-01"], "would hold for more than two years; write an earlier end, or --long"),
    ([JAPAN, "--until-figures", "2199-01"], "would hold for more than two years"),
    ([JAPAN, "--until-figures", "2025-01"], "figures later than January 2025 are judged already; write a later month"),
    ([JAPAN, "--until", SOON, "--from", "2198-01-01"], "comes before it begins"),
]


def test_what_cannot_be_meant_is_refused_in_a_sentence(desk):
    for words, sentence in REFUSED:
        assert sentence in desk.is_told("silences", "add", *words, "--reason", "x")
    assert desk.json("silences", "list", "--all") == []


def test_what_is_meant_after_all_is_taken(desk):
    adds(desk, "--until", "2199-01-01", "--long")
    adds(desk, "--until", SOON, "--everything", matchers=('flow="export"',))
    assert len(desk.json("silences", "list")) == 2


LACKING = [
    ([JAPAN, "--until", SOON], "Missing option '--reason'"),
    ([JAPAN, "--reason", "x"], "write when it ends: either --until DATE or --until-figures MONTH"),
    ([JAPAN, "--reason", "x", "--until", SOON, "--until-figures", "2026-03"], "write when it ends: either"),
    (["--reason", "x", "--until", SOON], "Missing argument 'MATCHERS...'"),
    (["partner", "--reason", "x", "--until", SOON], "'partner' is not a matcher"),
    (['partner=""', "--reason", "x", "--until", SOON], "never matches"),
    (['partner=~"(a+)+"', "--reason", "x", "--until", SOON], "repeats a group"),
    ([JAPAN, "--reason", "x", "--until", "24.12.2026"], '"24.12.2026" is not a day; write it as 2026-06-30'),
    ([JAPAN, "--reason", "a\u202eb", "--until", SOON], "cannot be seen"),
    ([JAPAN, "--reason", " ", "--until", SOON], "the text is empty"),
]


def test_what_is_lacking_or_cannot_be_read_is_said(new_desk):
    for words, sentence in LACKING:
        result = new_desk.types("silences", "add", *words)
        assert result.exit_code == 2
        assert sentence in " ".join(result.stderr.split())


def test_what_a_silence_held_back_is_shown_and_said_once_when_somebody_ends_it(desk):
    made = adds(desk)
    before = pages(desk)
    comes(desk, "2025-11", 20)
    assert "China to Japan" not in pages(desk)[len(before) :]
    [alert] = [
        one
        for one in desk.json("alerts", "list", "--open")
        if one["rule"] == "magnet-below-last-year" and "/JP/" in one["series"]
    ]
    assert alert["held_back"]["holder"] == made["id"]
    assert "silenced" in desk.reads("alerts", "list", "--open")
    shown = desk.reads("alerts", "show", alert["id"][:8])
    assert "not told: silenced by ada until " in shown
    assert desk.json("alerts", "show", alert["id"])["not_told"][0]["why"] == "silenced"
    assert "is said with the next release" in desk.reads("silences", "end", made["id"][:8], "--reason", "mended", "--by", "bob")
    comes(desk, "2025-12", 20)
    said = " ".join(pages(desk).replace("=\n", "").split())
    assert "the silence of ada (known outage) was ended by bob" in said
    assert desk.json("alerts", "show", alert["id"])["held_back"] is None


def test_an_ended_silence_is_kept_and_cannot_be_ended_or_extended_again(desk):
    made = adds(desk)
    desk.reads("silences", "end", made["id"], "--reason", "mended", "--by", "bob")
    assert desk.json("silences", "list") == []
    [kept] = desk.json("silences", "list", "--all")
    assert (kept["state"], kept["ended_by"], kept["ended_why"]) == ("ended", "bob", "mended")
    for words in (["end"], ["extend", "--until", SOON]):
        assert "was ended by bob on " in desk.is_told("silences", words[0], made["id"], "--reason", "x", *words[1:])


def test_a_silence_gets_another_end(desk):
    made = adds(desk)
    said = desk.reads("silences", "extend", made["id"], "--until-figures", "2026-03", "--reason", "still shut", "--by", "bob")
    assert said == f"Silence {made['id'][:8]} holds until the figures of March 2026.\n"
    assert desk.json("silences", "show", made["id"])["until_figures"] == "2026-03"


def test_an_unknown_silence_is_named(desk):
    assert desk.is_told("silences", "show", "ffff") == 'monitor: no silence is "ffff"'
