"""What people do with their recordings: find, delete and want back, read in their language, sign in."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from jobs.api_key import Scope
from jobs.keyring import Keyring
from jobs.settings import Settings
from jobs.store import open_store
from tests.browser.chromium import PHONE, WIDE, assert_accessible, assert_fits, opened, until
from tests.integration.api.server import WebServer
from tests.support.service import Service
from tests.support.speechlike import wav
from tests.support.waiting import eventually
from tingxie.redis_server import RedisServer

pytestmark = pytest.mark.full

HEADS = {"en-US": "Turn speech into text", "zh-TW": "語音轉文字", "zh-CN": "语音转文字"}


@pytest.mark.parametrize("size", [PHONE, WIDE], ids=["390", "1440"])
@pytest.mark.parametrize("locale", HEADS)
def test_the_browsers_language(browser: Browser, running: Service, locale: str, size: dict[str, int]) -> None:
    job_id = running.submit_bytes(wav(3), "talk.wav")
    running.wait(job_id)
    with opened(browser, running.url, size=size, locale=locale, color_scheme="dark") as page:
        expect(page.get_by_role("heading", level=1)).to_have_text(HEADS[locale])
        for path in ("/", f"/#/job/{job_id}", "/status"):
            page.goto(running.url + path)
            expect(page.locator(".job, .segment, table").first).to_be_visible()
            assert_accessible(page)
            assert_fits(page)
            shown = page.locator("body").inner_text()
            assert locale == "en-US" or not re.search(r"\b(Delete|Download|Backlog|Language)\b", shown)
        page.select_option("#language", "en")
        expect(page.get_by_role("heading", level=1)).to_have_text("How the service is doing")


def test_a_deleted_recording_can_be_wanted_back(browser: Browser, running: Service) -> None:
    kept, gone = (running.submit_bytes(wav(2, seed), f"{name}.wav") for seed, name in ((1, "kept"), (2, "gone")))
    with opened(browser, running.url) as page:
        page.get_by_role("button", name="Delete: kept.wav").click()
        expect(page.locator(".job", has_text="kept.wav")).to_have_count(0)
        page.get_by_role("button", name="Undo").click()
        expect(page.locator(".job", has_text="kept.wav")).to_have_count(1)
        page.get_by_role("button", name="Delete: gone.wav").click()
        assert running.job(gone)  # not yet
        expect(page.get_by_role("button", name="Undo")).to_have_count(0, timeout=15_000)
        eventually(lambda: gone not in running.ledger.known({gone, kept}))
        assert running.job(kept)


def test_the_list_is_searched_and_filtered(browser: Browser, running: Service) -> None:
    running.wait(running.submit_bytes(wav(2), "needle in hay.wav"))
    running.wait(running.submit_bytes(b"RIFF\0\0\0\0WAVEnothing", "broken.wav"))
    with opened(browser, running.url) as page:
        page.get_by_label("Search by name").fill("NEEDLE")
        expect(page.locator(".job")).to_have_count(1)
        page.get_by_label("Search by name").fill("nowhere")
        expect(page.get_by_text("Nothing matches.")).to_be_visible()
        page.get_by_label("Search by name").fill("broken")
        page.get_by_label("Show").select_option("failed")
        row = page.locator(".job")
        expect(row.locator(".badge")).to_have_text("Failed")
        row.get_by_role("button", name="Try again: broken.wav").click()
        expect(page.locator(".job")).to_have_count(2, timeout=20_000)


def test_find_copy_and_script(browser: Browser, running: Service) -> None:
    job_id = running.submit_bytes(wav(40, 3), "talk.wav")
    running.wait(job_id)
    text = running.transcript(job_id).text
    with opened(browser, running.url, permissions=["clipboard-read", "clipboard-write"]) as page:
        page.goto(f"{running.url}/#/job/{job_id}")
        page.get_by_label("Find in the text").fill(text[10:12])
        total = len(re.findall(text[10:12], text))
        expect(page.locator(".find [role=status]")).to_have_text(f"1 of {total}")
        expect(page.locator(".hit")).to_have_count(2)
        page.get_by_role("button", name="Copy the text").click()
        expect(page.locator("#told")).to_have_text("The text is copied.")
        assert page.evaluate("navigator.clipboard.readText()") == text
        page.get_by_label("Chinese script").select_option("s2t")
        srt = page.get_by_role("link", name="SRT")
        expect(srt).to_have_attribute("href", re.compile(r"format=srt&script=s2t$"))
        with page.expect_download() as download:
            srt.click()
        assert download.value.suggested_filename == "talk.srt"
        assert "-->" in Path(download.value.path()).read_text()


def test_by_keyboard_alone(browser: Browser, running: Service) -> None:
    job_id = running.submit_bytes(wav(30, 5), "talk.wav")
    running.wait(job_id)
    with opened(browser, f"{running.url}/#/job/{job_id}") as page:
        until(page, "document.querySelector('audio')?.readyState > 0")
        expect(page.locator(".c").first).to_be_visible()
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowDown")
        expect(page.locator(".segment").nth(1).locator(".time")).to_be_focused()
        page.keyboard.press("Enter")
        until(page, "document.querySelector('audio')?.paused === false")
        page.keyboard.press("/")
        expect(page.get_by_label("Find in the text")).to_be_focused()
        page.keyboard.type("c")  # text there, not a command
        expect(page.get_by_label("Find in the text")).to_have_value("c")


@pytest.fixture
def keyed(redis_server: RedisServer, tmp_path: Path) -> Iterator[WebServer]:
    with WebServer(tmp_path, redis_url=redis_server.url) as server:
        yield server


def test_signing_in(browser: Browser, keyed: WebServer) -> None:
    keyring = Keyring(open_store(Settings(data_dir=keyed.folder / "data").store))
    _, token = keyring.create("ann", list(Scope), owner="ann")
    eventually(lambda: keyed.client.get("/v1/jobs").status_code == 401)
    with opened(browser, keyed.url) as page:
        page.get_by_label("API key").fill("tx_wrong")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("alert")).to_have_text("This key isn't valid.")
        assert_accessible(page)
        page.get_by_label("API key").fill(token)
        page.keyboard.press("Enter")
        page.set_input_files("#files", {"name": "mine.wav", "mimeType": "audio/wav", "buffer": wav(1)})
        expect(page.locator(".job", has_text="mine.wav")).to_be_visible()
        assert token not in page.evaluate("document.cookie + JSON.stringify(localStorage)")
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_label("API key")).to_be_visible()
        page.reload()
        expect(page.get_by_label("API key")).to_be_visible()
