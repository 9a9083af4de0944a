"""The README: its first screen is short, and what it and the Makefile name exists."""

import importlib.util
import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
README = (ROOT / "README.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def _targets() -> set[str]:
    return set(re.findall(r"^([\w-]+):", MAKEFILE, re.MULTILINE))


def test_the_first_screen_has_at_most_40_lines() -> None:
    assert README.index("\n## ") > 0
    assert len(README[: README.index("\n## ")].splitlines()) <= 40


def test_every_make_target_that_a_page_names_exists() -> None:
    named = {
        name for page in PAGES for name in re.findall(r"(?:`|^\$? ?)make ([\w-]+)", page.read_text(), re.MULTILINE)
    }
    assert {"demo", "test", "check"} <= named
    assert named <= _targets()


def test_every_program_that_the_makefile_starts_exists() -> None:
    modules = [name for name in re.findall(r"python -m ([\w.]+)", MAKEFILE) if name not in {"pip", "venv"}]
    assert "tingxie.demo" in modules
    assert not [name for name in modules if importlib.util.find_spec(name) is None]


def test_every_link_between_pages_leads_somewhere() -> None:
    for page in PAGES:
        for target, anchor in re.findall(r"\]\((?!https?:)([^)#]*)(#[^)]*)?\)", page.read_text(encoding="utf-8")):
            aim = (page.parent / target) if target else page
            assert aim.exists(), f"{page}: {target}"
            if anchor and aim.suffix == ".md":
                assert anchor[1:] in _anchors(aim), f"{page}: {target}{anchor}"


def _anchors(page: Path) -> set[str]:
    """Headings as code forges name them: lower case, spaces as hyphens, punctuation dropped."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
