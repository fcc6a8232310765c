"""
The pictures of this manual, made again from the bundled figures: `python -m docs.pictures`.

Each is a real mail, page or chart of a desk in a temporary folder. Needs Chromium.
"""

from __future__ import annotations

import base64
import io
import shutil
import sys
import tempfile
from email.message import EmailMessage
from pathlib import Path

from docs.mail_desks import KINDS
from monitor import charts, jobs, pulling
from monitor.alerts.messages import Notification
from monitor.app import App
from monitor.brief import brief
from monitor.explain import explain
from monitor.jobs import Judged
from monitor.months import Month, month
from monitor.notify import render_brief
from monitor.notify.mime import MailParameters, compose
from monitor.notify.worker import message_of
from monitor.replay.rehearsal import choose, rehearse
from monitor.replay.writing import as_picture
from monitor.series import SeriesKey
from monitor.shipped import shipped_folder

FOLDER = Path(__file__).parent / "pictures"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"]

MAGNETS, IMPORTS = ("gacc", "magnets"), ("census", "imports/naics")
MAY, OCTOBER, PANDEMIC, AUTUMN = month(2025, 5), month(2025, 10), month(2020, 5), month(2019, 11)
FROM_MEXICO = SeriesKey(
    source="census", dataset="imports/naics", reporter="US", partner="MX", product="NAICS3:336", flow="import", measure="value",
    unit="USD",
)  # fmt: skip
CLOTHING = FROM_MEXICO.replace(partner="CN", product="NAICS3:315")


def main() -> None:
    """Make every picture."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        sys.exit(f"no browser: install one of {', '.join(BROWSERS)} (Debian: apt-get install chromium)")
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        app, judged = desk(Path(temporary))
        mail, page = mail_page(judged, MAY), brief_page(app, judged, OCTOBER)
        (FOLDER / "chart-imports.png").write_bytes(chart(app, FROM_MEXICO, PANDEMIC))
        told = explain_page(app, CLOTHING, AUTUMN)
        (FOLDER / "replay.png").write_bytes(as_picture(rehearse(app, [choose(app, "us-imports")], month(2016, 1))[0]))
        app.close()
    mails = {("mail.png", 700): mail, **every_mail()}
    photograph(browser, {**mails, ("brief.png", 900): page, ("explain.png", 600): told})
    for path in sorted(FOLDER.glob("*.png")):
        print(f"{path.relative_to(FOLDER.parent)}  {path.stat().st_size / 1e3:,.0f} kB")


def desk(folder: Path) -> tuple[App, list[Judged]]:
    """Return a desk that has judged China's magnet exports and holds US imports."""
    for name in ("config", "rules"):
        shutil.copytree(shipped_folder(name), folder / name)
    app = App.open(folder / "config", {})
    entries = {(entry.name, entry.dataset): entry for entry in app.entries}
    pulling.pull(app, entries[MAGNETS])
    judged = jobs.evaluate(app)
    pulling.pull(app, entries[IMPORTS])
    return app, judged


def judged_month(judged: list[Judged], newest: Month) -> Judged:
    """Return what was judged when a month came out."""
    return next(one for one in judged if one.release.newest == newest)


def mail_page(judged: list[Judged], newest: Month) -> str:
    """Return the page inside the mail that told of a month, its charts in place."""
    notes = judged_month(judged, newest).evaluation.notifications
    note = next(note for note in notes if note.receiver.startswith("desk") and note.digest.lines)
    return page_of(note)


def page_of(note: Notification) -> str:
    """Return the page inside a mail, its charts in place."""
    message, parameters = message_of(note), MailParameters(to=("buyers@example.org",))
    mail = compose(message, parameters, "buyers@example.org", unsubscribe_url="https://monitor.example.org/u/…")
    found = mail.get_body(("html",))
    assert found is not None
    html: str = found.get_content()
    for part in mail.walk():
        if part.get_content_type() == "image/png" and isinstance(part, EmailMessage):
            html = html.replace(f"cid:{part['Content-ID'][1:-1]}", address_of(part.get_content()))
    return html


def every_mail() -> dict[tuple[str, int], str]:
    """Return the page inside each kind of mail, by file name and width."""
    found: dict[tuple[str, int], str] = {}
    for kind in KINDS:
        with tempfile.TemporaryDirectory() as temporary:
            for name, note in kind(Path(temporary)):
                page = page_of(note)
                found |= {(f"mail-{name}-{device}.png", width): page for device, width in (("phone", 390), ("desktop", 800))}
    return found


def address_of(png: bytes) -> str:
    """Return a picture as an address that holds it."""
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def brief_page(app: App, judged: list[Judged], newest: Month) -> str:
    """Return the page of a brief of magnets."""
    release = judged_month(judged, newest).release
    found = brief(
        app.figures.panel(*MAGNETS, as_of=release),
        release,
        newest,
        names=app.names(*MAGNETS),
        title=app.title(release),
        credit=app.credit(release),
        composites=app.baskets.composites,
        events=app.events_of,
    )
    return render_brief.render(found, "html")


def chart(app: App, key: SeriesKey, newest: Month) -> bytes:
    """Draw a series as it stood in a month."""
    panel, names = app.figures.panel(key.source, key.dataset), app.names(key.source, key.dataset)
    return charts.draw(explain(panel, key, newest, (), names, app.events_of(key)).picture)


def explain_page(app: App, key: SeriesKey, newest: Month) -> str:
    """Return the page that explains a cell."""
    panel, names = app.figures.panel(key.source, key.dataset), app.names(key.source, key.dataset)
    return render_brief.explanation(explain(panel, key, newest, app.ruleset.rules, names, app.events_of(key)))


def small(png: bytes) -> bytes:
    """Return a picture with as many colours as a page needs, which takes a third of the bytes."""
    from PIL import Image

    out = io.BytesIO()
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    picture.quantize(64, dither=Image.Dither.NONE).save(out, format="PNG", optimize=True)
    return out.getvalue()


def photograph(browser: str, pages: dict[tuple[str, int], str]) -> None:
    """Render pages by file name and width, each whole, as a sharp screen shows it."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        opened = play.chromium.launch(executable_path=browser, args=FLAGS)
        for (name, width), html in pages.items():
            page = opened.new_page(viewport={"width": width, "height": 80}, device_scale_factor=1.5)
            page.set_content(html)
            (FOLDER / name).write_bytes(small(page.screenshot(full_page=True)))
            page.close()
        opened.close()


if __name__ == "__main__":
    main()
