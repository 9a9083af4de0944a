"""compose.yaml and its Dockerfiles against the code: settings, commands, files and pinned versions that exist."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from jobs.broker import make_celery
from jobs.settings import DEFAULT_MODEL, Settings
from tingxie.cli import app
from web.server import GRACE_S
from worker.upkeep import BEAT_STOP_S

ROOT = Path(__file__).parents[3]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
OURS = {name: service for name, service in COMPOSE["services"].items() if name != "redis"}
DOCKERFILES = sorted((ROOT / "docker").glob("*.Dockerfile"))
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
    bases = [line.split()[1] for path in DOCKERFILES for line in path.read_text().splitlines() if line[:5] == "FROM "]
    bases.append(COMPOSE["services"]["redis"]["image"])
    assert all(re.search(r":\d+\.\d+", base) for base in bases), bases
    assert all("\nUSER tingxie\n" in path.read_text() for path in DOCKERFILES)
    assert COMPOSE["services"]["redis"]["user"] == "redis"


def test_redis_keeps_what_it_is_given() -> None:
    command = COMPOSE["services"]["redis"]["command"]
    assert "--appendonly yes" in command
    assert "--maxmemory-policy noeviction" in command
    assert "--requirepass ${REDIS_PASSWORD:?}" in command


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: path.name)
def test_a_dockerfile_copies_what_exists_and_sets_known_settings(dockerfile: Path) -> None:
    text = dockerfile.read_text(encoding="utf-8")
    sources = [part for line in re.findall(r"^COPY (.+) \S+$", text, re.MULTILINE) for part in line.split()]
    assert sources
    assert not [source for source in sources if not (ROOT / source).exists()]
    assert set(re.findall(r"TINGXIE_\w+", text)) <= SETTINGS


def test_the_worker_image_holds_the_torch_that_pyproject_pins() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    pinned = next(line for line in extras["worker"] if line.startswith("torch=="))
    assert pinned in (ROOT / "docker/worker.Dockerfile").read_text(encoding="utf-8")
    assert pinned in (ROOT / "Makefile").read_text(encoding="utf-8")
