"""A recording while it is worked on: its text as it grows, who is ahead, who works on it; and what is announced."""

import io
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from playwright.sync_api import Browser, expect

from jobs.settings import Settings
from tests.browser.chromium import assert_accessible, assert_fits, opened, until
from tests.support.databases import Databases
from tests.support.fake_model import SLEEP
from tests.support.service import Service, service
from tests.support.speechlike import RATE_HZ, sound, wav

pytestmark = pytest.mark.full

#: a window of 20 s takes 1 s
SLOW = {SLEEP: "0.05"}
LIVE_S = 240.0


@pytest.fixture(scope="module")
def slow(browser: Browser, databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    del browser  # before the service: without one the tests are skipped
    folder = tmp_path_factory.mktemp("live")
    with databases.one() as redis_url:
        settings = Settings(redis_url=redis_url, data_dir=folder / "data")
        with service(settings, folder, web=True, environment=SLOW) as started:
            yield started


@pytest.mark.parametrize("locale", ["en-GB", "zh-TW"])
def test_text_appears_while_it_runs(browser: Browser, slow: Service, locale: str) -> None:
    job_id = slow.submit_bytes(wav(LIVE_S, len(locale)), "long.wav")
    with opened(browser, slow.url, locale=locale) as page:
        page.goto(f"{slow.url}/#/job/{job_id}")
        live = page.locator(".live")
        until(page, "document.querySelector('.live')?.textContent.length > 20")
        first = live.inner_text()
        until(page, f"document.querySelector('.live').textContent.length > {len(first) + 50}")
        assert live.inner_text().startswith(first)
        assert 0 < page.evaluate("document.querySelector('progress').value") < 1
        assert_accessible(page)
        assert_fits(page)
        expect(page.locator(".segment").first).to_be_visible(timeout=60_000)  # by itself, once it is done
        expect(page.locator("#told")).to_have_text({"en-GB": "long.wav: Done", "zh-TW": "long.wav：完成"}[locale])


def test_the_queue_and_who_works(browser: Browser, slow: Service) -> None:
    broken = slow.submit_bytes(b"RIFF\0\0\0\0WAVEnothing", "broken.wav")
    slow.wait(broken)
    first = slow.submit_bytes(wav(LIVE_S, 11), "first.wav")
    slow.covered(first)
    second = slow.submit_bytes(wav(LIVE_S, 12), "second.wav", priority="low")
    with opened(browser, slow.url) as page:
        row = page.locator(".job", has_text="second.wav")
        expect(row.locator(".facts")).to_contain_text("1 ahead")
        expect(page.locator(".job", has_text="first.wav").locator(".facts")).to_contain_text("left")
        page.goto(f"{slow.url}/status")
        tables = page.locator("section", has=page.get_by_role("heading", name="Live workers"))
        expect(tables.get_by_role("link", name=re.compile(r"(first|second)\.wav")).first).to_be_visible(timeout=20_000)
        expect(page.locator("section", has=page.get_by_role("heading", name="Backlog"))).to_contain_text("real time")
        failed = page.locator("section", has=page.get_by_role("heading", name="Failed within the last hour"))
        expect(failed.get_by_role("link", name="broken.wav")).to_be_visible()
        expect(failed.get_by_role("row").nth(1)).to_contain_text("can't be decoded as audio")
        assert_accessible(page)
        page.goto(slow.url)
        row.get_by_role("button", name="Cancel: second.wav").click()
        expect(row.locator(".badge")).to_have_text("Cancelled")
        expect(page.locator("#told")).to_have_text(re.compile(r"^(Cancel: second\.wav|second\.wav: Cancelled)$"))
        slow.ledger.cancel(first)
    assert slow.wait(second).state == "cancelled"


def test_speakers_on_channels_of_their_own(browser: Browser, slow: Service) -> None:
    ann, bob = sound(12, 1), sound(12, 2)
    ann[RATE_HZ * 6 :] = 0
    bob[: RATE_HZ * 6] = 0
    file = io.BytesIO()
    soundfile.write(file, np.stack([ann, bob], axis=1), RATE_HZ, format="WAV", subtype="PCM_16")
    job_id = slow.submit_bytes(file.getvalue(), "call.wav", channels="split")
    slow.wait(job_id)
    with opened(browser, f"{slow.url}/#/job/{job_id}") as page:
        expect(page.locator(".segment").first).to_contain_text("Channel 1")
        expect(page.locator(".segment").last).to_contain_text("Channel 2")
        expect(page.locator(".waveform")).to_be_visible()
        assert (page.locator(".waveform .all path").get_attribute("d") or "").count("M0 ") == 2
        assert_accessible(page)


def test_what_a_screen_reader_hears(browser: Browser, slow: Service, tmp_path: Path) -> None:
    """The page's tree as assistive technology gets it: each thing by its role and a name that tells it from others."""
    del tmp_path
    done = slow.submit_bytes(wav(10, 21), "done.wav")
    slow.wait(done)
    running = slow.submit_bytes(wav(LIVE_S, 22), "running.wav")
    slow.covered(running)
    with opened(browser, slow.url) as page:
        expect(page.locator(".job")).not_to_have_count(0)
        heard = page.locator("body").aria_snapshot()
        for line in (
            'navigation "Pages"',
            'heading "Turn speech into text" [level=1]',
            'button "Choose files"',
            'textbox "Or the address of a recording"',
            'heading "My recordings" [level=2]',
            'searchbox "Search by name"',
            'progressbar "Progress of running.wav"',
            'button "Cancel: running.wav"',
            'link "running.wav"',
            'button "Delete: done.wav"',
        ):
            assert heard.count(line) == 1, (line, heard)
        page.goto(f"{slow.url}/#/job/{done}")
        expect(page.get_by_role("slider")).to_be_visible()
        heard = page.locator("main").aria_snapshot()
        for line in (
            'heading "done.wav" [level=1]',
            'slider "Position in the recording"',
            'button "Play from 0:00"',
            'searchbox "Find in the text"',
            'link "SRT"',
        ):
            assert heard.count(line) == 1, (line, heard)
        page.get_by_label("Find in the text").fill("三")
        expect(page.locator(".find [role=status]")).not_to_be_empty()
        live = page.locator("[aria-live], [role=status], [role=alert]")
        assert live.count() <= 4  # few, and each says one thing
    slow.ledger.cancel(running)
