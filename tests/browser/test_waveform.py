"""The waveform of a recording: seen, clicked, dragged, and moved by keys; and ten hours of it at once."""

import time

import pytest
from playwright.sync_api import Browser, Page, expect

from jobs.store import layout
from jobs.waveform import Waveform
from tests.browser.chromium import PHONE, assert_accessible, assert_fits, opened, until
from tests.support.service import Service
from tests.support.speechlike import wav

AUDIO_S = 30.0


def heard_s(page: Page) -> float:
    return float(page.evaluate("document.querySelector('audio').currentTime"))


def test_the_waveform_goes_where_it_is_pointed_at(browser: Browser, running: Service) -> None:
    job_id = running.submit_bytes(wav(AUDIO_S, seed=17), "talk.wav")
    running.wait(job_id)
    with opened(browser, f"{running.url}/#/job/{job_id}") as page:
        until(page, "document.querySelector('audio')?.readyState > 0")
        slider = page.get_by_role("slider", name="Position in the recording")
        box = slider.bounding_box()
        assert box
        slider.click(position={"x": box["width"] / 2, "y": 20})
        until(page, f"Math.abs(document.querySelector('audio').currentTime - {AUDIO_S / 2}) < 0.2")
        expect(slider).to_have_attribute("aria-valuetext", "0:15 of 0:30")
        expect(page.locator(".segment.current")).to_have_count(1)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] / 10, box["y"] + 20)
        page.mouse.up()
        assert heard_s(page) == pytest.approx(3, abs=0.2)
        for key, expected_s in (("ArrowRight", 8), ("ArrowUp", 13), ("ArrowLeft", 8), ("End", AUDIO_S), ("Home", 0)):
            page.keyboard.press(key)
            assert heard_s(page) == pytest.approx(expected_s, abs=0.2), key
        assert_accessible(page)
        page.set_viewport_size(PHONE)  # type: ignore[arg-type]
        assert_fits(page)


@pytest.mark.full
def test_each_channel_has_a_line_of_its_own(browser: Browser, running: Service) -> None:
    job_id = running.submit_bytes(wav(3), "talk.wav")
    running.wait(job_id)
    drawn = Waveform(duration_s=3.0, step_s=1.0, peak=0.5, channels=[[255, 0, 0], [0, 0, 255]])
    running.store.write(layout.waveform(job_id), [drawn.model_dump_json().encode()])
    with opened(browser, f"{running.url}/#/job/{job_id}") as page:
        path = page.locator(".waveform .all path")
        assert (path.get_attribute("d") or "").count("M0 ") == 2
        assert page.locator(".waveform .all").get_attribute("viewBox") == "0 0 3 1020"


@pytest.mark.full
def test_ten_hours_are_drawn_at_once(browser: Browser, running: Service) -> None:
    job_id = running.submit_bytes(wav(3), "day.wav")
    running.wait(job_id)
    peaks = [n * 37 % 256 for n in range(4096)]
    drawn = Waveform(duration_s=36_000.0, step_s=36_000 / 4096, peak=0.5, channels=[peaks])
    running.store.write(layout.waveform(job_id), [drawn.model_dump_json().encode()])
    with opened(browser, running.url) as page:
        expect(page.locator(".job").first).to_be_visible()
        begun = time.monotonic()
        page.goto(f"{running.url}/#/job/{job_id}")
        expect(page.get_by_role("slider")).to_have_attribute("aria-valuetext", "0:00 of 10:00:00")
        assert time.monotonic() - begun < 3


@pytest.mark.full
def test_without_one_the_player_plays(browser: Browser, running: Service) -> None:
    job_id = running.submit_bytes(wav(3), "old.wav")
    running.wait(job_id)
    running.store.delete(layout.waveform(job_id))
    with opened(browser, f"{running.url}/#/job/{job_id}") as page:
        until(page, "document.querySelector('audio')?.readyState > 0")
        expect(page.locator(".drawing")).to_be_hidden()
        page.locator(".c").first.click()
        until(page, "document.querySelector('audio')?.currentTime > 0")
