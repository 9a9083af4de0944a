"""Debian's Chromium by Playwright, and what every browser test asks of a page."""

import gzip
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.support.waiting import eventually

AXE = Path(__file__).parent / "vendor" / "axe.min.js.gz"
#: contacts nobody, and needs neither a display nor a sandbox's privileges
ARGUMENTS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PHONE, WIDE = {"width": 390, "height": 844}, {"width": 1440, "height": 900}
WAIT_S = 30.0
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser; skips where there is none (a failure in CI)."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("no chromium (on Debian: apt install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield browser
        browser.close()


@contextmanager
def opened(browser: Browser, url: str, *, size: dict[str, int] = WIDE, **options: Any) -> Iterator[Page]:
    """A page in a browser that knows nothing yet. Fails if it asks another host or meets an error of its own."""
    options.setdefault("locale", "en-GB")
    context = browser.new_context(viewport=size, reduced_motion="reduce", **options)  # type: ignore[arg-type]
    page = context.new_page()
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("console", lambda said: troubles.append(said.text) if _is_trouble(said.text, said.type) else None)
    here = url.partition("/#")[0]
    page.on("request", lambda asked: None if asked.url.startswith(here) else troubles.append(f"asks {asked.url}"))
    page.goto(url)
    yield page
    context.close()
    assert not troubles, troubles


def _is_trouble(text: str, kind: str) -> bool:
    """Errors, but for answers that aren't 200: those are the page's business."""
    return kind == "error" and not text.startswith("Failed to load resource")


def until(page: Page, condition: str) -> None:
    """Until it is true on the page. Playwright's wait_for_function evaluates text there, which our policy forbids."""
    eventually(lambda: page.evaluate(condition), WAIT_S)


def assert_accessible(page: Page, *, besides: str = "") -> None:
    """By axe's rules. besides: a selector of elements that are like others and too many to look at."""
    page.evaluate(gzip.decompress(AXE.read_bytes()).decode())
    context = {"exclude": [[besides]]} if besides else {}
    found = page.evaluate(
        "([context, rules]) => axe.run({include: [['html']], ...context}, {runOnly: rules})", [context, RULES]
    )
    told = [(each["id"], [node["html"][:200] for node in each["nodes"]]) for each in found["violations"]]
    assert not told, told
    assert len(found["passes"]) > 10


def assert_fits(page: Page) -> None:
    """Nothing is wider than the window."""
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
