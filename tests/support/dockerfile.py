"""The steps of a Dockerfile done without Docker: each stage is a folder, COPY copies into it, RUN runs in it.

A stage's folder is reached by one symbolic link, `root`, while its steps are done and while its programs run: paths
inside (a virtual environment knows its own) hold in a stage that they are copied to, as they do in an image. There is
no chroot: absolute paths that a step names are put below `root`, and `python` is this machine's. Whatever instruction
isn't understood raises, so nothing is passed over.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from dockerfile_parse import DockerfileParser

#: what steps may name by absolute path; all else is the base image's
OURS = ("build", "data", "models", "opt")
#: those that can't be done here without changing this machine; what they are given is checked by the caller
PRETENDED = "useradd() { :; }; chown() { :; }; "
STEP_S = 240


@dataclass
class Stage:
    """What the steps of a stage have made so far."""

    name: str
    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    arguments: dict[str, str] = field(default_factory=dict)
    workdir: str = "/"
    user: str = "root"
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    healthcheck: list[str] = field(default_factory=list)


class Replay:
    """One Dockerfile in one empty folder. arguments: as of `docker build --build-arg`."""

    def __init__(self, dockerfile: Path, context: Path, folder: Path, **arguments: str) -> None:
        self._context = context
        self._folder = folder
        self._given = arguments
        self._ignored = _ignore_file(context / ".dockerignore")
        self.root = folder / "root"
        self._steps = _by_stage(DockerfileParser(str(dockerfile)).structure)
        self.stages: dict[str, Stage] = {}

    def build(self, target: str) -> Stage:
        """The stage with those that it stands on or copies from, each done once."""
        if target not in self.stages:
            first, *steps = self._steps[target]
            stage = self.stages[target] = self._begin(target, first["value"].split()[0])
            for step in steps:
                self.enter(stage)
                self._do(stage, step["instruction"], step["value"])
        return self.stages[target]

    def enter(self, stage: Stage) -> None:
        """From now on `root` is this stage; nothing happens to it where it is already, since programs may run in it."""
        if self.root.is_symlink() and self.root.readlink() == stage.folder:
            return
        self.root.unlink(missing_ok=True)
        self.root.symlink_to(stage.folder)

    def environment(self, stage: Stage) -> dict[str, str]:
        """Of a program in the stage: the image's, and of this machine what has nothing to do with us."""
        inherited = {
            name: text for name, text in os.environ.items() if not name.startswith(("TINGXIE_", "VIRTUAL_ENV"))
        }
        return {**inherited, **{name: self.located(text) for name, text in stage.environment.items()}}

    def run(self, stage: Stage, command: list[str], **options: Any) -> "subprocess.CompletedProcess[str]":
        """A command in the finished stage, as in its container."""
        self.enter(stage)
        return subprocess.run(
            [self.program(stage, command[0]), *command[1:]],
            env=self.environment(stage) | options.pop("env", {}),
            cwd=self.root,
            capture_output=True,
            text=True,
            timeout=STEP_S,
            check=False,
            **options,
        )

    def program(self, stage: Stage, name: str) -> str:
        found = shutil.which(name, path=self.environment(stage)["PATH"])
        assert found, f"{stage.name} has no {name}"
        return found

    def located(self, text: str) -> str:
        """A step's text with the absolute paths of ours below `root`."""
        return re.sub(rf"(?<![\w./-])/({'|'.join(OURS)})(?=[/\s:;\"']|$)", rf"{self.root}/\1", text)

    def _begin(self, name: str, base: str) -> Stage:
        folder = self._folder / "stages" / name
        parent = self.build(base) if base in self._steps else None
        if parent is None:
            folder.mkdir(parents=True)
            python = str(Path(sys.base_prefix) / "bin")
            return Stage(name, folder, environment={"PATH": f"{python}:{os.environ['PATH']}"})
        shutil.copytree(parent.folder, folder, symlinks=True, copy_function=os.link)
        return Stage(name, folder, dict(parent.environment), workdir=parent.workdir, user=parent.user)

    def _do(self, stage: Stage, instruction: str, value: str) -> None:
        match instruction:
            case "ARG":
                name, _, default = value.partition("=")
                stage.arguments[name] = self._given.get(name, default)
            case "ENV":
                for name, text in (pair.split("=", 1) for pair in shlex.split(value)):
                    stage.environment[name] = re.sub(r"\$(\w+)", lambda found: stage.environment[found[1]], text)
            case "WORKDIR":
                stage.workdir = value
                self._inside(value).mkdir(parents=True, exist_ok=True)
            case "COPY":
                self._copy(stage, shlex.split(value))
            case "RUN":
                self._run(stage, value)
            case _:
                self._note(stage, instruction, value)

    def _note(self, stage: Stage, instruction: str, value: str) -> None:
        """What only says how the image is to be run."""
        match instruction:
            case "USER":
                stage.user = value
            case "ENTRYPOINT":
                stage.entrypoint = json.loads(value)
            case "CMD":
                stage.command = json.loads(value)
            case "HEALTHCHECK":
                stage.healthcheck = json.loads(value.partition("CMD ")[2])
            case "VOLUME":
                assert all(self._inside(path).is_dir() for path in value.split()), value
            case "EXPOSE" | "COMMENT":
                pass
            case _:
                raise NotImplementedError(f"{instruction} {value}")

    def _inside(self, path: str) -> Path:
        return self.root / path.lstrip("/")

    def _run(self, stage: Stage, command: str) -> None:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", PRETENDED + self.located(command)],
            env=self.environment(stage) | stage.arguments,
            cwd=self._inside(stage.workdir),
            capture_output=True,
            text=True,
            timeout=STEP_S,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"

    def _copy(self, stage: Stage, words: list[str]) -> None:
        options = [word for word in words if word.startswith("--")]
        *sources, to = [word for word in words if not word.startswith("--")]
        target = self._inside(to if to.startswith("/") else f"{stage.workdir}/{to}")
        start, ignored = self._context, self._ignored
        for option in options:
            name, _, other = option.partition("=")
            assert name == "--from", option
            start, ignored = self.build(other).folder, ()
            self.enter(stage)
        for source in sources:
            from_path = start / source.lstrip("/")
            into = target / from_path.name if to.endswith("/") else target
            into.parent.mkdir(parents=True, exist_ok=True)
            if from_path.is_dir():
                leave = _leaving_out(start, ignored)
                copy = os.link if ignored == () else shutil.copy2  # what was made here isn't changed any more
                shutil.copytree(from_path, into, symlinks=True, ignore=leave, dirs_exist_ok=True, copy_function=copy)
            else:
                assert not _is_ignored(source, ignored), f"{source}: .dockerignore leaves it out"
                shutil.copy2(from_path, into)


def _by_stage(structure: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    stages: dict[str, list[dict[str, Any]]] = {}
    for step in structure:
        if step["instruction"] == "FROM":
            name = step["value"].split()[-1]
            stages[name] = []
        if stages:
            stages[name].append(step)
    return stages


def _ignore_file(path: Path) -> tuple[str, ...]:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert not [line for line in lines if line.startswith("!")], "exceptions aren't understood"
    return tuple(line for line in lines if line and not line.startswith("#"))


def _is_ignored(path: str, patterns: tuple[str, ...]) -> bool:
    """By itself; what lies in an ignored folder is never asked about."""
    return any(fnmatch(path, each) or (each[:3] == "**/" and fnmatch(Path(path).name, each[3:])) for each in patterns)


def _leaving_out(start: Path, patterns: tuple[str, ...]) -> Any:
    def leave(folder: str, names: list[str]) -> list[str]:
        return [name for name in names if _is_ignored(str(Path(folder, name).relative_to(start)), patterns)]

    return leave
