"""Loads the model that this process serves, once: the real transformers pipeline, in one of the served families."""

from dataclasses import dataclass
from typing import Any

import structlog
import torch
import transformers
from safetensors import SafetensorError

from jobs.errors import ModelRefused, SetupError
from jobs.ledger.units import DeviceMemory
from jobs.model import ModelSpec
from jobs.settings import Settings
from jobs.store import AudioStore, layout
from worker.families.ctc_load import load_ctc
from worker.families.family import LoadedFamily
from worker.families.quantized import INT8, can_quantize
from worker.families.whisper import load_whisper
from worker.forward import DeviceLost, ForwardInput, ForwardOutput, OutOfMemory
from worker.memory import process_memory
from worker.model_folder import ModelFolder, find_model

log = structlog.get_logger()

#: first CUDA compute capability whose tensor cores do bfloat16 (Ampere)
BFLOAT16_CAPABILITY = 8
#: the one architecture that isn't a CTC model's
WHISPER = "WhisperForConditionalGeneration"
#: weights on disk below which bfloat16 gains nothing worth giving up exact float32 for, but on CPUs with AMX, where a
#: small model gains a half (docs/performance.md); those that gain three-fold (FACTS: Speed 3) start at 190 MB
SMALL_MODEL_BYTES = 100_000_000


@dataclass(frozen=True)
class LoadedModel:
    """A model in this process. One thread at a time may call `forward`: the caller holds the device's lock."""

    family: LoadedFamily
    device: str

    @property
    def spec(self) -> ModelSpec:
        return self.family.spec

    def forward(self, windows: list[ForwardInput]) -> list[ForwardOutput]:
        """One output for each window, in order.

        Raises OutOfMemory (a smaller batch may fit), DeviceLost (only a new process helps), another ForwardError, or
        JobError where a job's options can't be met.
        """
        try:
            return self.family.forward(windows)
        except torch.OutOfMemoryError as error:
            torch.cuda.empty_cache()
            raise OutOfMemory(str(error)) from error
        except torch.AcceleratorError as error:
            raise DeviceLost(str(error)) from error
        except RuntimeError as error:
            # torch's CPU allocator has no exception of its own.
            if "can't allocate memory" in str(error):
                raise OutOfMemory(str(error)) from error
            raise

    def memory(self) -> DeviceMemory:
        """Of a GPU what torch has of it, cached blocks included, as that is what nobody else can have."""
        if not self.device.startswith("cuda"):
            return process_memory()
        used, peak = torch.cuda.memory_reserved(self.device), torch.cuda.max_memory_reserved(self.device)
        return DeviceMemory(used, peak, torch.cuda.get_device_properties(self.device).total_memory)

    def save_tokenizer(self, store: AudioStore) -> None:
        """Write what finish needs to `models/{key}/`; repeating it writes the same. Raises StoreUnavailable."""
        folder = layout.model_folder(self.spec.key)
        for name, content in self.family.finish_files().items():
            store.write(folder + name, [content], sync=True)


def load_model(settings: Settings) -> LoadedModel:
    """Find, load and measure the model of the settings.

    Raises SetupError (not found, no such device) or ModelRefused (not a served kind, no safetensors), a line each.
    """
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    if settings.model_threads:
        torch.set_num_threads(settings.model_threads)
    found = find_model(settings)
    _refuse_others(found, settings.dtype)
    device = choose_device(settings.device)
    dtype = choose_dtype(settings.dtype, device, found.weight_bytes)
    pipe = _load_pipeline(found, device, dtype)
    name = INT8 if settings.dtype == INT8 else str(dtype).removeprefix("torch.")
    family = _load_family(pipe, found, name, settings)
    log.info("model.loaded", model=found.name, revision=found.revision, dtype=family.spec.dtype, device=str(device))
    return LoadedModel(family, str(device))


def choose_device(wanted: str) -> torch.device:
    """`auto` takes CUDA where there is a device; raises SetupError for one that this machine lacks."""
    if wanted == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(wanted)
    except RuntimeError as error:
        raise SetupError(f"TINGXIE_DEVICE={wanted} names no device", remedy="Use auto, cpu, cuda or cuda:N.") from error
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise SetupError(f"this machine has no {wanted}", remedy="Use TINGXIE_DEVICE=cpu or auto.")
    return device


def choose_dtype(wanted: str, device: torch.device, weight_bytes: int) -> torch.dtype:
    """`auto` is bfloat16 where the hardware multiplies it fast and the model is large enough to feel it.

    What isn't in int8 is in auto's. Raises SetupError where int8 can't be.
    """
    if wanted == INT8:
        _refuse_int8_elsewhere(device)
    elif wanted != "auto":
        dtype: torch.dtype = getattr(torch, wanted)
        return dtype
    if device.type == "cuda":
        is_fast, has_amx = torch.cuda.get_device_capability(device)[0] >= BFLOAT16_CAPABILITY, False
    else:
        is_fast, has_amx = torch.cpu._is_avx512_bf16_supported(), torch.cpu._is_amx_tile_supported()  # noqa: SLF001
    gains = has_amx or (is_fast and weight_bytes >= SMALL_MODEL_BYTES)
    return torch.bfloat16 if gains else torch.float32


def _refuse_int8_elsewhere(device: torch.device) -> None:
    if device.type != "cpu" or not can_quantize():
        where = "one without it" if device.type == "cpu" else device
        raise SetupError(
            f"TINGXIE_DTYPE=int8 needs a CPU with AVX-512 VNNI, and this model would run on {where}",
            remedy="Use TINGXIE_DTYPE=auto.",
        )


def _refuse_others(found: ModelFolder, dtype: str) -> None:
    """Before the weights are read: a head that isn't there would be made up of random numbers."""
    architectures = found.config.get("architectures") or ["no architecture"]
    if not any(name.endswith("ForCTC") or name == WHISPER for name in architectures):
        raise ModelRefused(f"{found.name} is a {architectures[0]}: only CTC models and Whisper are served")
    if dtype == INT8 and WHISPER in architectures:
        raise ModelRefused(f"{found.name}: int8 is for CTC models: use TINGXIE_DTYPE=auto")


def _load_pipeline(found: ModelFolder, device: torch.device, dtype: torch.dtype) -> Any:
    try:
        pipe = transformers.pipeline(
            "automatic-speech-recognition",
            model=str(found.folder),
            dtype=dtype,
            device=device,
            trust_remote_code=False,
            model_kwargs={"use_safetensors": True},
        )
    # transformers raises what it likes for a folder with something missing or of an unknown kind.
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ImportError, SafetensorError) as error:
        reason = (str(error) or type(error).__name__).strip().splitlines()[0]
        raise ModelRefused(f"{found.name} can't be loaded: {reason}") from error
    pipe.model.eval()
    return pipe


def _load_family(pipe: Any, found: ModelFolder, dtype: str, settings: Settings) -> LoadedFamily:
    try:
        if pipe.type == "seq2seq_whisper":
            return load_whisper(pipe, found, dtype, settings.whisper_guard)
        if pipe.type == "ctc":
            return load_ctc(pipe, found, dtype)
    except ModelRefused as error:
        raise ModelRefused(f"{found.name}: {error.detail}") from error
    raise ModelRefused(f"{found.name} is of kind {pipe.type!r}: only CTC models and Whisper are served")
