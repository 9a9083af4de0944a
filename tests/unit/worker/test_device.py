"""Who waits for the device, and until when."""

import threading
import time

from tests.support.waiting import eventually
from worker.device import Device


def test_one_batch_has_the_device_at_a_time() -> None:
    device = Device()
    device.acquire(0.0)
    second = threading.Thread(target=lambda: device.acquire(0.0))
    second.start()
    second.join(0.1)
    assert second.is_alive()
    device.release()
    second.join(10)
    assert not second.is_alive()


def test_a_free_device_is_not_waited_for() -> None:
    began = time.monotonic()
    Device().wait_until_nearly_free(0.0)
    assert time.monotonic() - began < 5


def test_the_next_batch_may_be_claimed_shortly_before_the_device_is_free() -> None:
    device = Device()
    began = time.monotonic()
    device.acquire(0.5)
    device.wait_until_nearly_free(0.2)
    assert 0.3 <= time.monotonic() - began < 0.5 + 5


def test_a_batch_that_ends_early_ends_the_wait() -> None:
    device, waited = Device(), threading.Event()
    device.acquire(3600.0)

    def wait() -> None:
        device.wait_until_nearly_free(0.1)
        waited.set()

    threading.Thread(target=wait, daemon=True).start()
    assert not waited.wait(0.1)
    device.release()
    assert eventually(waited.is_set)
