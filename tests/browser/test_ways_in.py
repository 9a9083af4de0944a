"""How recordings come in: dropped, chosen, by URL, with options; and what is said of those that aren't taken."""

import base64
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, CDPSession, FilePayload, Page, expect

from jobs.job import JobRequest
from jobs.store import layout
from tests.browser.chromium import PHONE, WIDE, assert_accessible, assert_fits, opened, until
from tests.support.receiver import Receiver, Reply
from tests.support.service import Service
from tests.support.speechlike import wav

JOB_MS = 60_000
#: an address that the service of these tests may go to (conftest)
ELSEWHERE = "127.0.0.2"
#: drags files over the page, or drops them: [[name, base64], …]
DRAG = """([kind, files]) => {
    const data = new DataTransfer();
    for (const [name, bytes] of files)
        data.items.add(new File([Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0))], name, {type: 'audio/wav'}));
    document.querySelector('main').dispatchEvent(
        new DragEvent(kind, {dataTransfer: data, bubbles: true, cancelable: true}));
}"""


@pytest.fixture
def elsewhere() -> Iterator[Receiver]:
    with Receiver(lambda _request: Reply(200, wav(3, 4)), host=ELSEWHERE) as server:
        yield server


def test_files_are_dropped(browser: Browser, running: Service) -> None:
    files = [[f"dropped {n}.wav", base64.b64encode(wav(2, n)).decode()] for n in (1, 2)]
    with opened(browser, running.url) as page:
        expect(page.locator(".zone")).to_be_visible()  # the page takes files from then on
        page.evaluate(DRAG, ["dragover", files])
        expect(page.locator(".zone.over")).to_have_count(1)
        page.evaluate(DRAG, ["drop", files])
        expect(page.locator(".zone.over")).to_have_count(0)
        for name, _ in files:
            expect(page.locator(".job", has_text=name).locator(".badge")).to_have_text("Done", timeout=JOB_MS)


@pytest.mark.full
@pytest.mark.parametrize("size", [PHONE, WIDE], ids=["390", "1440"])
def test_a_url_with_options(browser: Browser, running: Service, elsewhere: Receiver, size: dict[str, int]) -> None:
    with opened(browser, running.url, size=size) as page:
        page.get_by_text("Options").click()
        page.get_by_label("Language of the speech").select_option("zh")
        page.get_by_label("Channels").select_option("split")
        page.get_by_label("Long silences").select_option("false")
        assert_accessible(page)
        assert_fits(page)
        name = f"talk-{size['width']}.wav"
        page.get_by_label("Or the address of a recording").fill(f"{elsewhere.url}/{name}")
        with page.expect_request(lambda asked: asked.method == "POST") as asked:
            page.keyboard.press("Enter")
        assert asked.value.post_data_json["skip_silence"] is False
        row = page.locator(".job", has_text=name)
        expect(row.locator(".badge")).to_have_text("Done", timeout=JOB_MS)
        expect(page.get_by_label("Or the address of a recording")).to_have_value("")
        job_id = (row.get_by_role("link").get_attribute("href") or "").rpartition("/")[2]
        kept = JobRequest.model_validate_json(running.store.read(layout.job_record(job_id)))
        assert (kept.language, kept.channels, kept.skip_silence, kept.priority) == ("zh", "split", False, "normal")
        page.reload()
        page.get_by_text("Options").click()
        expect(page.get_by_label("Channels")).to_have_value("split")


@pytest.mark.full
@pytest.mark.parametrize(
    ("locale", "said"),
    [
        ("en-GB", ("10.0.0.1", "PDF")),
        ("zh-TW", ("此伺服器不連往該網址", "此檔案不是伺服器能讀取的音訊")),
        ("zh-CN", ("此服务器不连接该网址", "此文件不是服务器能读取的音频")),
    ],
    ids=["en", "zh-hant", "zh-hans"],
)
def test_what_isnt_taken_is_told(browser: Browser, running: Service, locale: str, said: tuple[str, str]) -> None:
    with opened(browser, running.url, locale=locale) as page:
        page.locator("#url").fill("http://10.0.0.1/talk.wav")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert").first).to_contain_text(said[0])
        paper = {"name": "paper.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7\n" + bytes(5000)}
        page.set_input_files("#files", paper)
        failed = page.locator(".upload.failed")
        expect(failed).to_contain_text(said[1])
        expect(page.locator("#told")).to_contain_text("paper.pdf")
        assert_accessible(page)
        failed.get_by_role("button").last.click()
        expect(page.locator(".upload")).to_have_count(0)


@pytest.mark.full
def test_an_upload_tells_how_far_it_is_and_can_rest(browser: Browser, running: Service) -> None:
    with opened(browser, running.url) as page:
        network = page.context.new_cdp_session(page)
        slowed(network, bytes_per_s=400_000)
        page.set_input_files("#files", {"name": "unhurried.wav", "mimeType": "audio/wav", "buffer": wav(60)})
        upload = page.locator(".upload")
        expect(upload).to_contain_text(re.compile(r"of 1\.9 MB · .*B/s · \d+ s left"), timeout=JOB_MS)
        assert page.evaluate("document.querySelector('.upload progress').value") > 0
        page.get_by_role("button", name="Pause: unhurried.wav").click()
        expect(upload).to_contain_text("Paused at")
        slowed(network, bytes_per_s=-1)
        page.get_by_role("button", name="Resume: unhurried.wav").click()
        expect(page.locator(".job", has_text="unhurried.wav")).to_be_visible(timeout=JOB_MS)
        slowed(network, bytes_per_s=100_000)
        page.set_input_files("#files", {"name": "never.wav", "mimeType": "audio/wav", "buffer": wav(60, 2)})
        page.get_by_role("button", name="Give up: never.wav").click()
        expect(upload).to_have_count(0)
        until(page, "!localStorage.length || !JSON.stringify(localStorage).includes('never.wav')")


def slowed(network: CDPSession, *, bytes_per_s: int) -> None:
    conditions = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": bytes_per_s}
    network.send("Network.emulateNetworkConditions", conditions)


@pytest.mark.full
def test_from_file_to_deletion_by_keyboard_alone(browser: Browser, running: Service) -> None:
    talk: FilePayload = {"name": "by keys.wav", "mimeType": "audio/wav", "buffer": wav(3)}
    with opened(browser, running.url) as page:
        page.on("filechooser", lambda chooser: chooser.set_files(talk))
        expect(page.get_by_role("button", name="Choose files")).to_be_visible()
        page.keyboard.press("Tab")
        expect(page.get_by_text("Skip to the content")).to_be_focused()
        page.keyboard.press("Enter")
        tab_to(page, "Choose files")
        page.keyboard.press("Enter")
        expect(page.locator(".job", has_text="by keys.wav").locator(".badge")).to_have_text("Done", timeout=JOB_MS)
        tab_to(page, "by keys.wav")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text("by keys.wav")
        tab_to(page, "← All recordings")
        page.keyboard.press("Enter")
        page.get_by_label("Search by name").focus()
        page.keyboard.type("by keys")
        expect(page.locator(".job")).to_have_count(1)
        tab_to(page, "Delete: by keys.wav")
        page.keyboard.press("Enter")
        expect(page.locator(".job", has_text="by keys.wav")).to_have_count(0)
        assert page.evaluate("document.activeElement.matches('.job a, #search')")  # not lost with the row
        tab_to(page, "Undo")
        page.keyboard.press("Enter")
        expect(page.locator(".job", has_text="by keys.wav")).to_be_visible()
        expect(page.locator("#told")).to_have_text("“by keys.wav” is kept")


def tab_to(page: Page, name: str) -> None:
    """On with the Tab key until what is so named has the focus, and that is to be seen."""
    for _ in range(80):
        page.keyboard.press("Tab")
        focused = page.evaluate(
            "(() => { const e = document.activeElement; return e.getAttribute('aria-label') ?? e.textContent; })()"
        )
        if focused == name:
            assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
            return
    raise AssertionError(f"no way to {name} by the Tab key")
