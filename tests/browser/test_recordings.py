"""From a file to its transcript, as somebody with a browser does it."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.chromium import PHONE, WIDE, assert_accessible, assert_fits, opened, until
from tests.support.service import Service
from tests.support.speechlike import wav

JOB_MS = 90_000
MARKUP = "<img src=x onerror=alert(1)> 會議.wav"


@pytest.mark.parametrize("size", [PHONE, WIDE], ids=["390", "1440"])
def test_from_upload_to_transcript(browser: Browser, running: Service, tmp_path: Path, size: dict[str, int]) -> None:
    talk = tmp_path / MARKUP.replace("會議", f"會議 {size['width']}")
    talk.write_bytes(wav(30, seed=size["width"]))
    with opened(browser, running.url, size=size) as page:
        expect(page.get_by_role("heading", name="Turn speech into text")).to_be_visible()
        page.set_input_files("#files", talk)
        row = page.locator(".job", has_text=talk.name)  # its name is text, whatever is in it
        expect(row.locator(".badge")).to_have_text("Done", timeout=JOB_MS)
        assert page.locator(".job img").count() == 0
        checked(page)
        row.get_by_role("link").click()
        expect(page.get_by_role("heading", level=1)).to_have_text(talk.name)
        expect(page.locator(".c").first).to_be_visible()
        job_id = page.url.rpartition("/")[2]
        text = "".join(page.locator(".words").all_inner_texts())
        assert text == re.sub(r"\s", "", running.transcript(job_id).text)
        until(page, "document.querySelector('audio')?.duration > 29")
        checked(page)


def test_a_character_is_heard_where_it_is_clicked(browser: Browser, running: Service) -> None:
    job_id = running.submit_bytes(wav(30, seed=7), "talk.wav")
    running.wait(job_id)
    chars = running.transcript(job_id).chars
    assert chars
    with opened(browser, f"{running.url}/#/job/{job_id}") as page:
        until(page, "document.querySelector('audio')?.readyState > 0")
        page.locator(".c").nth(20).click()
        until(page, "document.querySelector('audio')?.currentTime > 0")
        expect(page.locator(".segment.current")).to_have_count(1)
        begun = page.evaluate("document.querySelector('audio').currentTime")
        assert chars[20].start_s - 0.01 <= begun < chars[20].start_s + 5
        page.evaluate("document.querySelector('audio').pause()")
        for n in (3, 50):
            page.evaluate("(at) => document.querySelector('audio').currentTime = at", chars[n].start_s + 0.001)
            until(page, f"document.querySelectorAll('.c')[{n}]?.classList.contains('now')")


def checked(page: Page) -> None:
    assert_accessible(page)
    assert_fits(page)
