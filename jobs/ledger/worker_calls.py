"""What workers say about themselves, and who is there."""

import json
from dataclasses import asdict, fields

from jobs.ledger import keys
from jobs.ledger.calls import Calls
from jobs.ledger.connection import translated
from jobs.ledger.units import DeviceMemory, Work, WorkerInfo
from jobs.model import ModelSpec

_INFO_FIELDS = {field.name for field in fields(WorkerInfo)}
_WORK_FIELDS = {field.name for field in fields(Work)}
_MEMORY_FIELDS = {field.name for field in fields(DeviceMemory)}


class WorkerCalls(Calls):
    def announce(self, spec: ModelSpec) -> None:
        """A worker serves this model: pins waiting jobs that ask for it. Repeatable.

        Jobs still queued for another revision or dtype of the same model that nobody serves any more move over.
        """
        self._scripts.run("announce", spec.key, spec.to_json(), spec.model)

    def beat(self, worker: WorkerInfo) -> bool:
        """Renew every lease of this incarnation for lease_s.

        False if the ledger doesn't know one of its models (Redis lost its data): announce it again.
        """
        return bool(
            self._scripts.run(
                "beat",
                worker.incarnation,
                json.dumps(asdict(worker)),
                repr(self._settings.lease_s),
                repr(worker.speed),
                int(worker.draining),
                *worker.model_keys,
            )
        )

    def leave(self, incarnation: str) -> None:
        """Drain ended: hand back whatever the incarnation still holds; counts for nothing. Repeatable."""
        self._scripts.run("leave", incarnation)

    def workers(self) -> list[WorkerInfo]:
        """The live ones."""
        return [to_worker(info) for info in self._scripts.run("demand")[1]]

    def models(self) -> list[tuple[ModelSpec, int]]:
        """Every announced model, with the number of live workers that serve it now (draining ones don't)."""
        _, infos, found = self._scripts.run("demand")
        serving = [worker for worker in map(to_worker, infos) if not worker.draining]
        specs = [ModelSpec.from_json(spec) for _, spec, *_ in found]
        return [(spec, sum(spec.key in worker.model_keys for worker in serving)) for spec in specs]

    def spec(self, model_key: str) -> ModelSpec | None:
        """An announced model by its key."""
        with translated():
            text = self._redis.hget(keys.key("specs"), model_key)
        return ModelSpec.from_json(text) if text else None


def to_worker(info: str | bytes) -> WorkerInfo:
    """From what `beat` wrote; fields that another version added are left out."""
    known = {name: value for name, value in json.loads(info).items() if name in _INFO_FIELDS}
    work = {name: value for name, value in known.pop("work", {}).items() if name in _WORK_FIELDS}
    memory = {name: value for name, value in known.pop("memory", {}).items() if name in _MEMORY_FIELDS}
    parts = {"work": Work(**work), "memory": DeviceMemory(**memory)}
    return WorkerInfo(**known | {"model_keys": tuple(known["model_keys"]), **parts})
