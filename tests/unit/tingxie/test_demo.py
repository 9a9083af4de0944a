import subprocess
import sys


def test_a_missing_file_is_one_line_before_anything_starts() -> None:
    command = [sys.executable, "-m", "tingxie.demo", "nowhere.wav"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stderr == "tingxie: nowhere.wav: no such file\n"
    assert not done.stdout
