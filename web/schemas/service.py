"""The service itself: where things are, whether it is ready, how it stands."""

from typing import Literal

from pydantic import BaseModel, Field

from web.schemas.answer import Answer


class Check(Answer):
    """One thing this service needs."""

    ok: bool
    detail: str
    warning: bool = Field(default=False, description="It works, but an operator should look at it.")


class Readiness(Answer):
    """Whether jobs are accepted, and whether there is anybody to work on them."""

    ready: bool = Field(description="What was asked for is the case: the answer is 200, else 503.")
    accepting: bool = Field(description="Redis and the store work: submissions are accepted.")
    working: bool = Field(description="Accepting, and live workers of both kinds.")
    checks: dict[str, Check] = Field(description="redis, store, transcribe_workers, cpu_workers, models, oldest_wait.")


class ReadyQuery(BaseModel):
    want: Literal["working", "accepting"] = Field("working", description="What ready means to the caller.")


class Index(Answer):
    name: str
    version: str
    links: dict[str, str] = Field(description="Paths on this server.")


class Alive(Answer):
    status: Literal["ok"] = "ok"
