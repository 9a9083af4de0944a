"""The data folder's layout: marked, brought on step by step, refused where it is a newer version's."""

from pathlib import Path

import pytest

from tingxie.data_folder import DataFolder
from tingxie.data_layout import LAYOUT, bring_up_to_date
from tingxie.errors import StackError


def test_tingxie_up_marks_its_folder(tmp_path: Path) -> None:
    for _ in range(2):
        with DataFolder.take(tmp_path):
            assert (tmp_path / "layout").read_text() == f"{LAYOUT}\n"


def test_a_newer_versions_folder_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "layout").write_text("99\n")
    with pytest.raises(StackError, match=rf"newer version \(layout 99; this one knows {LAYOUT}\)"):
        DataFolder.take(tmp_path)
    (tmp_path / "layout").write_text(f"{LAYOUT}\n")
    DataFolder.take(tmp_path).__exit__(None, None, None)  # the refusal has let go of the lock


def test_steps_go_on_where_one_was_cut_off(tmp_path: Path) -> None:
    """From a folder without a number, which is layout 1."""
    done: list[str] = []

    def fails_once(folder: Path) -> None:
        done.append("2 to 3")
        if done.count("2 to 3") == 1:
            raise OSError

    migrations = {1: lambda _: done.append("1 to 2"), 2: fails_once, 3: lambda _: done.append("3 to 4")}
    with pytest.raises(OSError):
        bring_up_to_date(tmp_path, layout=4, migrations=migrations)
    assert (tmp_path / "layout").read_text() == "2\n"
    bring_up_to_date(tmp_path, layout=4, migrations=migrations)
    bring_up_to_date(tmp_path, layout=4, migrations=migrations)
    assert done == ["1 to 2", "2 to 3", "2 to 3", "3 to 4"]
    assert [path.name for path in tmp_path.iterdir()] == ["layout"]


def test_what_is_no_number_is_refused(tmp_path: Path) -> None:
    (tmp_path / "layout").write_text("two")
    with pytest.raises(StackError, match="holds no number"):
        bring_up_to_date(tmp_path)
