"""The screenshots of docs/images/: taken in each full run, and kept there where TINGXIE_PICTURES is set."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from jobs.store import layout
from jobs.transcript import Char, Segment, Transcript
from tests.browser.chromium import PHONE, WIDE, opened, until
from tests.support.service import Service
from tests.support.speechlike import wav

pytestmark = pytest.mark.full

IMAGES = Path(__file__).parents[2] / "docs" / "images"
#: what is said, and where the model wasn't sure
SAID = (
    "各位早安，今天的會議從上個月的報告開始。",
    "請大家看螢幕上第三頁，銷售額比去年同期增加百分之十二。",
    "南部的門市表現最好，特別是高雄和台南。",
    "不過物流成本也上升了，主要是因為油價。",
    "我們打算從下一季起改用電動貨車。",
    "這件事請建國和雅婷在星期五以前提出預算。",
    "接下來談談新的訂貨系統，測試已經進入第二階段。",
    "如果沒有其他問題，我們就先休息十分鐘。",
)
#: the pictures that are kept
KEPT = [("en-GB", WIDE), ("zh-TW", WIDE), ("zh-CN", PHONE)]
UNSURE = "物流油價建國雅婷"
TALK_S = 40.0


def meeting(job_id: str) -> Transcript:
    segments, chars = [], []
    for n, text in enumerate(SAID):
        start_s = n * TALK_S / len(SAID)
        segments.append(Segment(id=n, start_s=start_s, end_s=start_s + 4.6, text=text, confidence=0.9))
        for i, letter in enumerate(text):
            at_s = start_s + 4.6 * i / len(text)
            sure = 0.4 if letter in UNSURE[:4] else 0.65 if letter in UNSURE else 0.97
            chars.append(Char(text=letter, start_s=at_s, end_s=at_s + 0.15, confidence=sure))
    return Transcript(
        job_id=job_id,
        model="fake",
        revision="1",
        language="zh",
        duration_s=TALK_S,
        text="".join(SAID),
        confidence=0.9,
        segments=segments,
        words=[],
        chars=chars,
    )


@pytest.fixture(scope="module")
def job_id(running: Service) -> str:
    broken = running.submit_bytes(b"RIFF\0\0\0\0WAVEnothing", "錄音機 0412.wav")
    running.wait(broken)
    for name in ("訪談錄音 03.m4a", "customer call.mp3", "週一會議.wav"):
        made = running.submit_bytes(wav(TALK_S), name)
        running.wait(made)
    running.store.write(layout.transcript(made), [meeting(made).model_dump_json().encode()], sync=True)
    return made


@pytest.mark.parametrize("size", [PHONE, WIDE], ids=["390", "1440"])
@pytest.mark.parametrize(
    ("locale", "colours"), [("en-GB", "light"), ("zh-TW", "light"), ("zh-CN", "dark")], ids=["en", "zh-hant", "zh-hans"]
)
def test_pictures(
    browser: Browser, running: Service, job_id: str, tmp_path: Path, *, size: dict[str, int], locale: str, colours: str
) -> None:
    folder = IMAGES if os.environ.get("TINGXIE_PICTURES") and (locale, size) in KEPT else tmp_path
    folder.mkdir(exist_ok=True)
    suffix = f"{locale.lower()}-{size['width']}"
    with opened(browser, running.url, size=size, locale=locale, color_scheme=colours) as page:
        expect(page.locator(".job", has_text="週一會議.wav")).to_be_visible()
        page.screenshot(path=folder / f"recordings-{suffix}.png")
        page.goto(f"{running.url}/#/job/{job_id}")
        playing(page)
        page.screenshot(path=folder / f"transcript-{suffix}.png")
        page.goto(f"{running.url}/status")
        expect(page.locator("table").first).to_be_visible()
        page.screenshot(path=folder / f"status-{suffix}.png")
    assert len(list(folder.glob(f"*-{suffix}.png"))) == 3


def playing(page: Page) -> None:
    """The text as it is while the third sentence sounds."""
    until(page, "document.querySelectorAll('.c').length > 100")
    until(page, "document.querySelector('audio')?.readyState > 0")
    page.evaluate("document.querySelector('audio').currentTime = 12")
    expect(page.locator(".c.now")).to_have_count(1)
    expect(page.locator(".c.unsure")).to_have_count(len(UNSURE))
    expect(page.locator(".c.unsure.very")).to_have_count(4)
    expect(page.locator(".waveform .played path")).to_have_count(1)
    top = 0 if page.viewport_size == WIDE else 700
    page.evaluate("(top) => scrollTo(0, top)", top)
