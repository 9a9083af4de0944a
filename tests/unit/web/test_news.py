"""A watch forgets nothing: what happens between a wait that was in vain and the next one wakes that."""

import threading

from web.news import Watch


class LateNews(threading.Event):
    """Set just after a wait for it was in vain."""

    def wait(self, timeout: float | None = None) -> bool:
        if super().wait(timeout):
            return True
        self.set()
        return False


def test_what_happens_just_after_a_wait_is_not_forgotten() -> None:
    watch = Watch()
    watch._happened = LateNews()
    assert not watch.wait(0.0)
    assert watch.wait(0.0)
    watch._happened = threading.Event()
    watch.wake()
    assert watch.wait(0.0)
    assert not watch.wait(0.0)
