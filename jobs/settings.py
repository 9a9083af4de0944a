"""Every setting of the service, typed, with one sentence each; read from `TINGXIE_…` environment variables."""

from functools import cached_property
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from jobs.outgoing import AllowedHosts
from jobs.redis_address import RedisAddress

DEFAULT_MODEL = "ydshieh/wav2vec2-large-xlsr-53-chinese-zh-cn-gpt"

Cutting = Literal["silence", "fixed"]
Dtype = Literal["auto", "float32", "bfloat16", "float16", "int8"]
WhisperGuard = Literal["off", "silence", "strict"]


Network = IPv4Network | IPv6Network


def _networks(text: str) -> tuple[Network, ...]:
    """Raises ValueError for what is no network."""
    return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())


class Settings(BaseSettings):
    """Passed into whatever needs it; nobody reads the environment elsewhere. docs/operations.md lists all of it."""

    model_config = SettingsConfigDict(env_prefix="TINGXIE_", frozen=True, extra="ignore", hide_input_in_errors=True)

    redis_url: str = Field("redis://127.0.0.1:6379/0", description="Where the ledger and the queues live.")
    redis_ca: str = Field("", description="File of the CA that signs Redis's certificate; empty: the system's CAs.")
    redis_cert: str = Field("", description="File of the certificate that we show Redis, where it asks for one.")
    redis_key: str = Field("", description="File of that certificate's key; empty: it is in the same file.")
    data_dir: Path = Field(
        Path.home() / ".local/share/tingxie", description="Folder for audio, transcripts and the embedded Redis."
    )
    store_url: str = Field("", description="The audio store; empty means the folder `store` inside the data folder.")

    worker_token: str = Field(
        "",
        pattern=r"^\S*$",
        description="Secret by which a front end serves its store to workers elsewhere.",
    )

    host: str = Field("127.0.0.1", description="Addresses on which the front end listens, separated by commas.")
    port: int = Field(8000, ge=0, le=65535, description="Port on which the front end listens; 0 picks a free one.")
    public_url: str = Field(
        "",
        pattern=r"^(https?://[^?#\s]*[^/?#\s])?$",
        description="Address at which clients reach the service; links and Location begin with it.",
    )
    trusted_proxies: str = Field(
        "", description="Networks of reverse proxies whose X-Forwarded headers are believed, separated by commas."
    )
    web_threads: int = Field(32, ge=1, description="Threads of the front end, each serving one request at a time.")
    web_streams: int = Field(256, ge=1, description="Event streams and waiting requests held besides those threads.")
    stream_heartbeat_s: float = Field(
        15.0, gt=0, description="A silent event stream sends a comment this often, in seconds."
    )
    stream_s: float = Field(3600.0, gt=0, description="An event stream ends after this many seconds; clients go on.")
    model_aliases: str = Field(
        "whisper-1,gpt-4o-transcribe,gpt-4o-mini-transcribe",
        description="Other names of models on OpenAI's paths: NAME=MODEL, or NAME for the default one; with commas.",
    )
    transcription_s: float = Field(
        7200.0, gt=0, description="OpenAI's paths hold a request for a transcript this long, in seconds."
    )
    transcription_silence_s: float = Field(
        25.0, gt=0, description="They send spaces before a JSON answer that takes longer than this, in seconds."
    )
    transcription_grace_s: float = Field(
        120.0, ge=0, description="Their job is cancelled this long after the last client went away, in seconds."
    )
    transcription_retention_s: float = Field(
        0.0, ge=0, description="Their jobs are deleted this many seconds after the end; 0 keeps them as others."
    )
    cue_columns: int = Field(42, ge=20, le=200, description="Most columns of a subtitle's line; full width takes two.")
    cue_lines: int = Field(2, ge=1, le=2, description="Most lines of a subtitle.")
    max_upload_bytes: int = Field(10_000_000_000, ge=1, description="Largest accepted upload, in bytes.")
    upload_expiry_s: float = Field(
        86_400.0, gt=0, description="A resumable upload to which nothing is added for this long is removed."
    )
    requests_per_minute: int = Field(
        3000, ge=0, description="Requests a minute of each API key, or refused ones of each address; 0: no limit."
    )
    max_batch_items: int = Field(10_000, ge=1, le=10_000, description="Most items of a batch.")
    max_duration_s: float = Field(12 * 3600.0, gt=0, description="Longest accepted audio, in seconds.")
    max_wait_s: float = Field(60.0, ge=0, description="Longest time that a poll with `wait` is held, in seconds.")

    allowed_hosts: str = Field(
        "", description="Hosts that URLs may name besides public ones: host:port and CIDRs, separated by commas."
    )
    fetch_timeout_s: float = Field(3 * 3600.0, gt=0, description="A URL that isn't fetched after this long fails.")

    webhook_schedule_s: str = Field(
        "0,5,300,1800,7200,18000,36000,50400,72000,86400",
        description="Pauses before each attempt of a webhook, in seconds; the last failure is final.",
    )
    webhook_timeout_s: float = Field(15.0, gt=0, description="A webhook's receiver must answer within this time.")

    model: str = Field(DEFAULT_MODEL, description="Hub id or local folder of the model that a worker serves.")
    models: str = Field(
        "",
        description="Models that one worker command serves, NAME or NAME@REVISION, with commas; empty: the one above.",
    )
    revision: str = Field("", description="Branch, tag or commit of the model on the Hub; empty means its main branch.")
    device: str = Field("auto", description="Where the model runs: auto, cpu, cuda, cuda:N, or all: on each GPU.")
    dtype: Dtype = Field(
        "auto",
        description="Arithmetic of the network; auto is bfloat16 where fast, else float32; int8: CTC models on CPUs.",
    )
    model_threads: int = Field(0, ge=0, description="CPU threads of a model; 0 leaves it to torch.")

    cutting: Cutting = Field("silence", description="How windows are cut where a job doesn't say: silence or fixed.")
    window_s: float = Field(20.0, ge=1.0, le=60.0, description="Longest window, context included, in seconds.")
    context_s: float = Field(0.5, ge=0.0, le=15.0, description="Context read on each side of a window, in seconds.")
    skip_silence: bool = Field(
        False, description="Long silences are left out where a job doesn't say; workers find them by Silero VAD."
    )
    silence_s: float = Field(2.0, ge=0.5, le=3600.0, description="Shortest silence that is left out, in seconds.")
    silence_margin_s: float = Field(
        0.5, ge=0.1, le=5.0, description="What is kept of it on each side, next to speech, in seconds."
    )
    whisper_guard: WhisperGuard = Field(
        "silence",
        description="Whisper's windows without text: silence: those in which nothing is heard; strict: also those in "
        "which nobody speaks, and texts that go in loops; off: none.",
    )
    batch_compute_s: float = Field(
        1.0,
        gt=0,
        description="A batch holds at most this much predicted compute, in seconds; up to four windows may take five "
        "times as long.",
    )
    batch_windows: int = Field(32, ge=1, le=512, description="A batch holds at most this many windows.")
    transcribe_threads: int = Field(
        3, ge=1, le=16, description="Threads of a transcribe worker that load, run and commit."
    )
    forward_timeout_s: float = Field(300.0, gt=0, description="A forward pass longer than this ends the process.")

    owner_queued_s: float = Field(
        0.0, ge=0, description="Most audio of one owner that may wait to be begun, in seconds; 0 is no limit."
    )
    owner_running_s: float = Field(
        0.0, ge=0, description="Most audio of one owner in progress at once, in seconds; 0 is no limit."
    )
    dedupe: bool = Field(
        True, description="Jobs of one owner with the same audio and options share one's work and result."
    )

    prepare_processes: int = Field(2, ge=1, description="Child processes of a prepare worker.")
    prepare_memory_bytes: int = Field(2_000_000_000, ge=100_000_000, description="Memory limit of one prepare child.")
    prepare_slice_s: float = Field(10.0, gt=0, description="A prepare unit yields to others after this many seconds.")
    prepare_timeout_s: float = Field(1800.0, gt=0, description="A prepare or finish unit longer than this is killed.")
    prepare_ahead_windows: int = Field(2000, ge=10, description="A job's prepare pauses while so many windows wait.")

    heartbeat_s: float = Field(3.0, gt=0, description="A worker renews its leases this often, in seconds.")
    lease_s: float = Field(10.0, gt=0, description="Leases of a worker that stays silent this long lapse, in seconds.")
    reconcile_s: float = Field(1.0, gt=0, description="The reconciler runs this often, in seconds.")
    max_deaths: int = Field(3, ge=1, description="A unit that ended this many processes, alone, fails its job.")
    waiting_timeout_s: float = Field(
        86_400.0, gt=0, description="A job whose model nobody serves fails after this many seconds."
    )
    sweep_s: float = Field(60.0, gt=0, description="The store sweep runs this often, in seconds.")
    audio_retention_s: float = Field(
        30 * 86_400.0, gt=0, description="Uploaded audio is kept this long after the job ended."
    )

    retention_s: float = Field(
        0.0, ge=0, description="Ended jobs and their files are deleted after this many seconds; 0 keeps them."
    )

    remote_control: bool = Field(
        False, description="Workers answer `celery inspect`, `celery control` and Flower, and tell of their tasks."
    )

    log_format: Literal["console", "json"] = Field("console", description="Log lines for people or as JSON.")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least level that is logged.")

    @field_validator("redis_url")
    @classmethod
    def _address(cls, text: str) -> str:
        RedisAddress.parse(text)
        return text

    @field_validator("redis_ca", "redis_cert", "redis_key")
    @classmethod
    def _file(cls, text: str) -> str:
        if text and not Path(text).is_file():
            raise ValueError(f"there is no file {text}")
        return text

    @field_validator("allowed_hosts")
    @classmethod
    def _hosts(cls, text: str) -> str:
        AllowedHosts.parse(text)
        return text

    @field_validator("webhook_schedule_s")
    @classmethod
    def _pauses(cls, text: str) -> str:
        if not text or min(map(float, text.split(","))) < 0:
            raise ValueError("pauses in seconds, separated by commas")
        return text

    @property
    def redis(self) -> RedisAddress:
        """`redis_url`, parsed, with its certificates."""
        return RedisAddress.parse(self.redis_url, ca=self.redis_ca, cert=self.redis_cert, key=self.redis_key)

    @cached_property
    def webhook_schedule(self) -> tuple[float, ...]:
        """`webhook_schedule_s`, parsed."""
        return tuple(map(float, self.webhook_schedule_s.split(",")))

    @cached_property
    def allowed(self) -> AllowedHosts:
        """`allowed_hosts`, parsed."""
        return AllowedHosts.parse(self.allowed_hosts)

    @cached_property
    def aliases(self) -> dict[str, str]:
        """Other names of models, and what they mean."""
        pairs = (pair.partition("=") for pair in self.model_aliases.split(",") if pair.strip())
        return {name.strip(): model.strip() or self.model for name, _, model in pairs}

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, value: str) -> str:
        _networks(value)
        return value

    @cached_property
    def proxies(self) -> tuple[Network, ...]:
        """The trusted proxies' networks."""
        return _networks(self.trusted_proxies)

    @cached_property
    def store(self) -> str:
        """The store's URL, the default filled in, and the worker token where it is a front end's."""
        scheme, _, rest = self.store_url.partition("://")
        if scheme in ("http", "https") and "@" not in rest and self.worker_token:
            return f"{scheme}://worker:{quote(self.worker_token, safe='')}@{rest}"
        return self.store_url or f"file://{(self.data_dir / 'store').absolute()}"
