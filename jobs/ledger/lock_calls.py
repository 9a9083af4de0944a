"""Named locks with an end, for what must not be done twice at one time but isn't a unit of work."""

from jobs.ledger.calls import Calls


class LockCalls(Calls):
    def hold(self, name: str, holder: str, ttl_s: float) -> bool:
        """Whether the lock is the holder's for the next ttl_s; who has it keeps it by asking again."""
        return bool(self._scripts.run("hold", name, holder, round(ttl_s * 1000)))

    def let_go(self, name: str, holder: str) -> None:
        """Free the lock, if it is the holder's."""
        self._scripts.run("let_go", name, holder)
