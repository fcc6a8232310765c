"""Configuration is read whole: every mistake of every file with its place, secrets from outside, the rest frozen."""

from __future__ import annotations

import dataclasses
from datetime import date, timedelta
from pathlib import Path

import pytest

from monitor.errors import SettingsError
from monitor.months import month
from monitor.series import SeriesKey
from monitor.settings import Event, Settings

SOURCES = """\
sources:
  - name: customs
    kind: table
    dataset: exports
    path: figures.csv
    ask: {every: 1 hour, before: 1 hour, for: 3 days}
    complete_when: {rows_at_least: 60%}
"""
ASK = "{every: 1 hour, before: 1 hour, for: 3 days}"
RECEIVERS = """\
receivers:
  - {name: desk, kind: file, folder: var/outbox}
  - {name: terminal, kind: console}
"""
ROUTES = """\
operators: desk
routes:
  - {name: urgent, match: ['severity="critical"'], receivers: [terminal], continue: true}
  - {name: default, receivers: [desk]}
"""
WEBHOOK = """\
receivers:
  - name: desk
    kind: webhook
    url: {env: HOOK_URL}
    secret_file: hook.key
    headers: {Authorization: {file: token.txt}}
"""
ONE_ROUTE = "operators: desk\nroutes: [{name: default, receivers: [desk]}]\n"


class Desk:
    """A desk in a temporary folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "config"
        self.config.mkdir()
        self.environ: dict[str, str] = {}
        self.write(sources=SOURCES, receivers=RECEIVERS, routes=ROUTES)

    def write(self, **files: str) -> None:
        for name, text in files.items():
            (self.config / f"{name}.yaml").write_text(text, encoding="utf-8")

    def load(self) -> Settings:
        return Settings.load(self.config, self.environ)

    def mistakes(self) -> list[str]:
        with pytest.raises(SettingsError) as caught:
            self.load()
        return str(caught.value).replace(f"{self.config}/", "").splitlines()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_desk_without_monitor_yaml_has_defaults_beside_its_configuration(desk: Desk) -> None:
    settings = desk.load()
    assert settings.data_dir == desk.folder / "var"
    assert settings.rules == desk.folder / "rules"
    assert settings.database.get_secret_value() == f"sqlite:///{desk.folder}/var/monitor.db"
    assert settings.digest.full_lines == 12
    assert settings.deliver.give_up_after == timedelta(days=3)
    assert settings.health.host == "127.0.0.1"
    assert settings.warnings == ()


def test_entries_become_what_their_kinds_take_with_paths_led_to_the_desk(desk: Desk) -> None:
    settings = desk.load()
    source, receiver = settings.sources[0], settings.receivers[0]
    assert (source.entry, source.enabled) == ("customs/exports", True)
    assert source.parameters.path == desk.folder / "figures.csv"
    assert source.complete_when is not None
    assert source.complete_when.rows_at_least == "60%"
    assert receiver.parameters.folder == desk.folder / "var/outbox"
    assert [route.name for route in settings.routes.find({"severity": "critical"})] == ["urgent", "default"]


def test_limits_of_calls_reach_the_client(desk: Desk) -> None:
    desk.write(monitor="http: {silence: 5 seconds, max_bytes: 2 MB, ca_file: ca.pem, allow_hosts: [10.0.0.0/8]}\n")
    limits = desk.load().http.limits()
    assert (limits.read_s, limits.max_bytes, limits.allow_hosts) == (5.0, 2_000_000, ("10.0.0.0/8",))
    assert limits.ca_file == str(desk.folder / "ca.pem")


def test_a_receiver_has_its_fallback_and_its_rate(desk: Desk) -> None:
    desk.write(receivers=RECEIVERS.replace("terminal,", "terminal, fallback: desk, per_minute: 30,"))
    first, second = desk.load().receivers
    assert (first.fallback, first.per_minute) == ("", None)
    assert (second.fallback, second.per_minute) == ("desk", 30.0)


def test_a_receiver_that_is_only_a_fallback_is_heard_of(desk: Desk) -> None:
    desk.write(receivers=RECEIVERS.replace("outbox}", "outbox, fallback: terminal}"), routes=ONE_ROUTE)
    assert desk.load().warnings == ()


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        ("fallback: terminl", "", 'receivers.yaml:2:60: unknown receiver "terminl"; did you mean "terminal"?'),
        ("fallback: desk", "", "receivers.yaml:2:60: the fallback leads back to desk itself; name a receiver that does not"),
        (
            "fallback: terminal",
            "fallback: desk",
            "receivers.yaml:2:60: the fallback leads back to desk → terminal → desk; name a receiver that does not",
        ),
        ("per_minute: 0", "", "receivers.yaml:2:62: must be greater than 0, found 0"),
        ("locale: de_De", "", 'receivers.yaml:2:58: unknown locale "de_De"; did you mean "de_DE"?'),
        ("time_zone: Europe/Berln", "", 'receivers.yaml:2:61: unknown time zone "Europe/Berln"; did you mean "Europe/Berlin"?'),
    ],
)
def test_a_wrong_key_of_every_receiver_is_told_with_its_place(desk: Desk, first: str, second: str, said: str) -> None:
    desk.write(receivers=RECEIVERS.replace("outbox}", f"outbox, {first}}}").replace("console}", f"console, {second}}}"))
    assert desk.mistakes()[0] == said


def test_a_receiver_has_the_locale_and_the_zone_of_its_readers(desk: Desk) -> None:
    desk.write(receivers=RECEIVERS.replace("terminal,", "terminal, locale: de_CH, time_zone: Europe/Zurich,"))
    first, second = desk.load().receivers
    assert (first.locale, first.time_zone, second.locale, second.time_zone) == ("", "", "de_CH", "Europe/Zurich")


def test_a_short_secret_for_links_is_refused(desk: Desk) -> None:
    desk.write(monitor="link_secret: {env: LINKS}")
    desk.environ["LINKS"] = "short"
    assert "the secret that stands here has under 16 letters; openssl rand -hex 32 makes one" in desk.mistakes()[0]


def test_settings_are_frozen(desk: Desk) -> None:
    settings = desk.load()
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.public_url = "x"  # type: ignore[misc]
    with pytest.raises(ValueError, match="frozen"):
        settings.digest.charts = 1  # type: ignore[misc]


def test_all_mistakes_of_all_files_are_said_at_once_with_their_places(desk: Desk) -> None:
    desk.write(
        monitor="digest:\n  full_line: 3\nhttp: {max_bytes: lots}\ndeliver: {give_up_after: 3 fortnights}\n",
        sources=SOURCES.replace("ask:", "aks:").replace("kind: table", "kind: tabel") + SOURCES[9:],
        receivers=RECEIVERS.replace("folder", "foldr"),
        routes=ROUTES.replace("[terminal]", "[terminl]"),
        events="events:\n  - {date: 2025-04-04, month: 2025-13, word: licences}\n",
    )
    assert desk.mistakes() == [
        "events.yaml:2:31: month 13 of 2025 does not exist; months run from 01 to 12",
        'monitor.yaml:2:3: unknown key "full_line"; did you mean "full_lines"?',
        'monitor.yaml:3:19: "lots" is not a size; write a number and one of B, kB, MB, GB, like 50 MB',
        'monitor.yaml:4:26: "3 fortnights" is not a length of time; write a number and seconds, minutes, hours, days, weeks, '
        "years, like 3 days",
        'receivers.yaml:2:5: "folder" is missing',
        'receivers.yaml:2:30: unknown key "foldr"; did you mean "folder"?',
        'routes.yaml:3:64: unknown receiver "terminl"; did you mean "terminal"?',
        'sources.yaml:3:11: unknown kind "tabel" of sources; did you mean "table"?',
        'sources.yaml:8:11: the name "customs/exports" stands already in line 2',
    ]


def test_a_key_that_all_entries_share_is_suggested_like_one_of_the_kind(desk: Desk) -> None:
    desk.write(sources=SOURCES.replace("complete_when", "complet_when"))
    assert desk.mistakes() == ['sources.yaml:7:5: unknown key "complet_when"; did you mean "complete_when"?']


def test_receivers_that_cannot_be_read_are_one_mistake_and_not_one_a_route(desk: Desk) -> None:
    desk.write(receivers=RECEIVERS + RECEIVERS)
    (mistake,) = desk.mistakes()
    assert mistake.endswith('the key "receivers" stands already in line 1')


def test_a_missing_file_or_folder_is_named(desk: Desk) -> None:
    (desk.config / "routes.yaml").unlink()
    assert desk.mistakes() == ["routes.yaml:1:1: cannot be read: No such file or directory"]
    with pytest.raises(SettingsError, match="nowhere: there is no such folder; `monitor init` makes a desk"):
        Settings.load(desk.folder / "nowhere", {})


@pytest.mark.parametrize(
    ("routes", "said"),
    [
        (ROUTES.replace("name: urgent", "name: default"), 'routes.yaml:4:12: the name "default" stands already in line 3'),
        (ROUTES.replace("operators: desk", "operators: nobody"), 'routes.yaml:1:12: unknown receiver "nobody"'),
        (
            ROUTES.replace("name: default,", "name: default, match: ['a=\"b\"'],"),
            'routes.yaml:4:28: the last route takes every alert that is left; leave "match" out, or add a route',
        ),
        (
            ROUTES.replace(", match: ['severity=\"critical\"']", "").replace(", continue: true", ""),
            "the routes below it get none",
        ),
        (ROUTES.replace("[desk]}", "[desk], continue: true}"), 'no route follows the last one; leave "continue" out'),
        (ROUTES.replace("'severity=\"critical\"'", "severity"), "'severity' is not a matcher"),
        (ROUTES.replace("'severity=\"critical\"'", "{severity: critical}"), "a matcher is text"),
        (ROUTES.replace("continue", "contnue"), 'unknown key "contnue"; did you mean "continue"?'),
        ("operators: desk\nroutes: []\n", "routes.yaml:2:9:"),
    ],
)
def test_routes_that_would_lose_or_misdirect_alerts_are_refused(desk: Desk, routes: str, said: str) -> None:
    desk.write(routes=routes)
    assert said in "\n".join(desk.mistakes())


def test_a_receiver_to_which_no_route_leads_is_a_warning(desk: Desk) -> None:
    desk.write(routes=ONE_ROUTE)
    assert [str(warning).partition("receivers.yaml")[2] for warning in desk.load().warnings] == [
        ':3:12: no route leads to the receiver "terminal"'
    ]


def test_secrets_come_from_the_environment_and_files_and_are_never_printed(desk: Desk) -> None:
    signing = "whsec_" + "QUJD" * 8
    (desk.folder / "hook.key").write_text(signing + "\n")
    (desk.folder / "token.txt").write_text("Bearer 12345")
    desk.environ = {"HOOK_URL": "https://hooks.example.org/s3cret", "MONITOR_DATABASE": "postgresql://me:p%40ss@db/monitor"}
    desk.write(receivers=WEBHOOK, routes=ONE_ROUTE)
    settings = desk.load()
    found = settings.receivers[0].parameters
    assert found.url.get_secret_value() == "https://hooks.example.org/s3cret"
    assert found.secret.get_secret_value() == signing
    assert found.headers["Authorization"].get_secret_value() == "Bearer 12345"
    assert settings.secrets >= {"https://hooks.example.org/s3cret", signing, "Bearer 12345", "p@ss"}
    printed = repr(settings) + str(settings.database) + str(found)
    assert not [secret for secret in settings.secrets if secret in printed]
    assert "<secret>" in printed


def test_secrets_that_are_not_there_are_named_with_their_place(desk: Desk) -> None:
    desk.write(receivers=WEBHOOK, routes=ONE_ROUTE)
    settings = desk.load()
    assert settings.receivers[0].lacking == settings.lacking
    assert [str(mistake).replace(f"{desk.config}/", "") for mistake in settings.lacking] == [
        'receivers.yaml:4:16: the environment variable "HOOK_URL" is not set; it holds the secret "url"',
        'receivers.yaml:5:18: the file "hook.key", which holds a secret, cannot be read: No such file or directory',
        'receivers.yaml:6:37: the file "token.txt", which holds a secret, cannot be read: No such file or directory',
    ]


def test_a_desk_does_not_open_without_the_secret_that_leads_to_its_database(desk: Desk) -> None:
    desk.write(monitor="database: {env: DESK_DATABASE}\n")
    assert desk.mistakes() == [
        'monitor.yaml:1:17: the environment variable "DESK_DATABASE" is not set; it holds the secret "database"'
    ]


def test_a_secret_in_plain_text_is_refused_and_not_repeated(desk: Desk) -> None:
    desk.write(
        receivers=RECEIVERS.replace("kind: file,", "kind: file, secret: whsec_hunter2,"), monitor="http: {proxy: 'http://a:b@c'}"
    )
    said = "\n".join(desk.mistakes())
    assert 'receivers.yaml:2:38: a secret stands here in plain text for "secret"' in said
    assert "monitor.yaml:1:15: a secret stands here in plain text" in said
    assert "hunter2" not in said
    assert "a:b" not in said


def test_a_database_address_may_stand_in_the_file_unless_it_has_a_password(desk: Desk) -> None:
    desk.write(monitor="database: postgresql://db/monitor\n")
    assert desk.load().database.get_secret_value() == "postgresql://db/monitor"
    desk.write(monitor="database: postgresql://me:hunter2@db/monitor\n")
    (said,) = desk.mistakes()
    assert said.startswith("monitor.yaml:1:11: the database's address holds a password in plain text")
    assert "hunter2" not in said


def test_the_environment_wins_over_monitor_yaml(desk: Desk) -> None:
    desk.write(monitor="data_dir: one\npublic_url: https://one.example.org\nlog: {level: error}\n")
    (desk.folder / "db.txt").write_text("postgresql://u:secretpw@db/m\n")
    desk.environ = {
        "MONITOR_DATABASE_FILE": str(desk.folder / "db.txt"),
        "MONITOR_DATA_DIR": "/srv/two",
        "MONITOR_PUBLIC_URL": "https://two.example.org/",
        "MONITOR_LOG": "debug json",
    }
    settings = desk.load()
    assert settings.database.get_secret_value() == "postgresql://u:secretpw@db/m"
    assert settings.data_dir == Path("/srv/two")
    assert settings.public_url == "https://two.example.org"
    assert (settings.log.level, settings.log.format) == ("debug", "json")


@pytest.mark.parametrize(
    ("written", "environ", "found"),
    [
        ("secrets_dir: one\n", {}, "one"),
        ("secrets_dir: one\n", {"CREDENTIALS_DIRECTORY": "three"}, "one"),
        ("secrets_dir: one\n", {"CREDENTIALS_DIRECTORY": "three", "MONITOR_SECRETS_DIR": "two"}, "two"),
        ("data_dir: var\n", {"CREDENTIALS_DIRECTORY": "three"}, "three"),
        ("secrets_dir: one\n", {"HOOK": "from the environment"}, "environment"),
    ],
)
def test_secrets_are_looked_for_in_one_folder_and_the_environment_wins(
    desk: Desk, written: str, environ: dict[str, str], found: str
) -> None:
    for name in ("one", "two", "three"):
        (desk.folder / name).mkdir()
        (desk.folder / name / "HOOK").write_text(f"Bearer {name}\n")
    desk.environ = environ
    desk.write(monitor=written, receivers=WEBHOOK.replace("{file: token.txt}", "{env: HOOK}"), routes=ONE_ROUTE)
    settings = desk.load()
    assert settings.receivers[0].parameters.headers["Authorization"].get_secret_value().split()[-1] == found
    assert any(secret.endswith(found) for secret in settings.secrets), "it is masked in every log"


def test_a_template_of_a_part_that_a_receiver_does_not_say_is_refused_with_its_place(desk: Desk) -> None:
    desk.write(receivers=RECEIVERS.replace("kind: console", "kind: console, templates: {html: page.html}"))
    assert desk.mistakes() == [
        'receivers.yaml:3:55: a receiver of the kind console writes no "html"; it has templates for subject and text'
    ]


def test_a_mistake_in_the_environment_names_the_variable(desk: Desk) -> None:
    desk.environ = {"MONITOR_PUBLIC_URL": "two", "MONITOR_LOG": "loud"}
    first, second = desk.mistakes()
    assert first.startswith('environment variable MONITOR_LOG:1:1: "loud" is not one of debug, info')
    assert second.startswith('environment variable MONITOR_PUBLIC_URL:1:1: "two" is not a web address')


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("{every: 20 seconds}", "sources.yaml:6:10: every is under a minute"),
        ("{every: 1 hour, otherwise: 30 minutes}", "sources.yaml:6:10: otherwise is shorter than every"),
        ("{every: often}", 'sources.yaml:6:18: "often" is not a length of time'),
        ("{evry: 1 hour}", 'sources.yaml:6:11: unknown key "evry"; did you mean "every"?'),
    ],
)
def test_a_way_of_asking_that_means_nothing_is_refused(desk: Desk, written: str, said: str) -> None:
    desk.write(sources=SOURCES.replace(ASK, written))
    (mistake,) = desk.mistakes()
    assert mistake.startswith(said)


def test_files_of_this_machine_are_looked_for_more_often_than_an_office_is_asked(desk: Desk) -> None:
    (slower,) = desk.load().sources
    desk.write(sources=SOURCES.replace(ASK, "{every: 5 minutes}"))
    (file,) = desk.load().sources
    desk.write(sources=SOURCES.replace(ASK, "{}").replace("path: figures.csv", "url: https://example.org/x.csv"))
    (office,) = desk.load().sources
    assert (file.otherwise, slower.otherwise, office.otherwise) == tuple(timedelta(minutes=n) for n in (10, 60, 720))


def test_a_list_of_release_days_is_read_with_the_settings(desk: Desk) -> None:
    listed = "    published: {days_after: 35, dates: config/days.csv}\n"
    desk.write(sources=SOURCES + listed)
    (mistake,) = desk.mistakes()
    assert mistake.endswith("days.csv: cannot be read: No such file or directory")


def test_the_address_of_the_heartbeat_is_a_secret_or_a_web_address(desk: Desk) -> None:
    assert desk.load().heartbeat is None
    desk.environ = {"HEARTBEAT_URL": "https://hc.example.org/3a51"}
    for written in ("{env: HEARTBEAT_URL}", "https://hc.example.org/3a51"):
        desk.write(monitor=f"heartbeat: {written}\n")
        found = desk.load().heartbeat
        assert found is not None
        assert found.get_secret_value() == "https://hc.example.org/3a51"
    desk.environ = {"HEARTBEAT_URL": "3a51"}
    desk.write(monitor="heartbeat: {env: HEARTBEAT_URL}\n")
    (mistake,) = desk.mistakes()
    assert mistake == "monitor.yaml:1:12: the secret that stands here is not a web address; it begins with https://"


def test_events_say_which_series_they_concern(desk: Desk) -> None:
    desk.write(
        events="events:\n"
        '  - {date: 2025-04-04, month: 2025-04, word: licences, reporter: CN, partners: [US], products: ["CN8:8505"]}\n'
        "  - {date: 2020-01-23, month: 2020-02, word: lockdown}\n"
    )
    licences, lockdown = desk.load().events
    key = SeriesKey(
        source="gacc",
        dataset="m",
        reporter="CN",
        partner="US",
        product="CN8:85051110",
        flow="export",
        measure="weight",
        unit="kg",
    )
    assert (licences.date, licences.month) == (date(2025, 4, 4), month(2025, 4))
    assert licences.concerns(key)
    assert not licences.concerns(key.replace(partner="JP"))
    assert not licences.concerns(key.replace(product="CN8:2846"))
    assert lockdown.concerns(key)
    assert isinstance(lockdown, Event)


def test_mistakes_in_baskets_and_partner_groups_are_reported_with_the_others(desk: Desk) -> None:
    desk.write(baskets="baskets: {magnets: {codes: [850511]}}\n", partners="groups: {north: [KANADA]}\n", monitor="colour: red\n")
    said = desk.mistakes()
    assert sorted({line.partition(":")[0] for line in said}) == ["baskets.yaml", "monitor.yaml", "partners.yaml"]


def test_the_shipped_configuration_is_whole(repository: Path) -> None:
    settings = Settings.load(repository / "config", {})
    assert settings.warnings == ()
    assert {source.entry for source in settings.sources if source.enabled} >= {"gacc/magnets", "census/imports/naics"}
    assert {receiver.name for receiver in settings.receivers} == {"desk", "terminal", "operators"}
    for labels, expected in (
        ({"audience": "operators", "severity": "warning"}, "operators"),
        ({"severity": "data", "theme": "magnets"}, "data-doubts"),
        ({"severity": "critical", "theme": "magnets"}, "magnets"),
        ({"severity": "info"}, "default"),
    ):
        assert [route.name for route in settings.routes.find(labels)] == [expected]


def test_what_monitor_yaml_shows_are_the_defaults(repository: Path, desk: Desk) -> None:
    desk.write(monitor=(repository / "config" / "monitor.yaml").read_text(encoding="utf-8"))
    shown = desk.load()
    (desk.config / "monitor.yaml").unlink()
    assert shown == desk.load()


def test_a_source_that_is_switched_off_needs_no_secret(desk: Desk) -> None:
    entry = "  - {name: live, kind: census, dataset: imports/hs, level: HS6, key: {env: CENSUS_API_KEY}, enabled: %s}\n"
    desk.write(sources=SOURCES + entry % "false")
    settings = desk.load()
    assert (settings.sources[1].enabled, settings.lacking) == (False, ())
    desk.write(sources=SOURCES + entry % "true")
    (lacking,) = desk.load().lacking
    assert 'the environment variable "CENSUS_API_KEY" is not set' in str(lacking)


TASK = "    task: {owner: desk, escalate_to: terminal, after: 3 days, codes: ['85051110'], boxes: [every trade mode]}\n"
CALENDAR = "    published: {day_of_next_month: 20}\n"


def test_a_task_names_who_does_it_and_its_people_need_no_route(desk: Desk) -> None:
    desk.write(sources=SOURCES + CALENDAR + TASK, routes=ONE_ROUTE)
    settings = desk.load()
    task = settings.sources[0].task
    assert task is not None
    assert (task.owner, task.escalate_to, task.after, task.codes) == ("desk", "terminal", timedelta(days=3), ("85051110",))
    assert settings.warnings == ()


@pytest.mark.parametrize(
    ("task", "said"),
    [
        (TASK.replace("owner: desk", "owner: dsk"), 'sources.yaml:9:19: unknown receiver "dsk"; did you mean "desk"?'),
        (TASK.replace("terminal", "boss"), 'sources.yaml:9:38: unknown receiver "boss"; known are desk, terminal'),
        (TASK.replace("codes: ['85051110']", "basket: magnets"), 'unknown basket "magnets"'),
        (TASK.replace("boxes", "basket: magnets, boxes"), "write either codes or basket"),
        (TASK.replace("'85051110'", "CN8:85051110"), 'sources.yaml:9:71: "CN8:85051110" is not a code to tick'),
        (TASK.replace("'85051110'", "85051110"), 'write its digits in quotes, like "85051110"'),
        (TASK.replace("boxes", "page: stats.example.org, boxes"), '"stats.example.org" is not a web address'),
        (TASK.replace("owner: desk, ", ""), '"owner" is missing'),
    ],
)
def test_what_is_wrong_with_a_task_is_said_at_its_place(desk: Desk, task: str, said: str) -> None:
    desk.write(sources=SOURCES + CALENDAR + task)
    assert said in "\n".join(desk.mistakes())


def test_a_task_needs_a_day_and_files(desk: Desk) -> None:
    desk.write(sources=SOURCES + TASK)
    assert desk.mistakes() == ['sources.yaml:8:11: a task needs "published", the calendar that says when it is due']
    korea = "sources: [{name: korea, kind: korea, dataset: m, products: ['8505110000'], key: {env: K}, task: {owner: desk}}]\n"
    desk.write(sources=korea)
    (said,) = desk.mistakes()
    assert said.endswith("the kind korea asks its source itself; a task is for files a person fetches")
