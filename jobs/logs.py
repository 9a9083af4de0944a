"""Log lines of every process: structlog and the standard library's loggers, in one format, on standard error.

An event is a stable dotted name (`batch.committed`); what it is about are its fields, the job's id first of all.
"""

import logging
import sys
from typing import Any

import structlog
from structlog.typing import EventDict, Processor

from jobs.settings import Settings

#: libraries that narrate what they do at INFO
TALKATIVE = ("celery", "kombu", "httpx", "httpcore", "urllib3", "huggingface_hub", "filelock", "werkzeug", "redis")


def configure_logs(settings: Settings, **bound: Any) -> None:
    """Set up this process's log lines; `bound` stands in every one. A forked child may do it again."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, _name_library],
            # Here rather than by contextvars, which new threads don't inherit.
            processors=[
                lambda _logger, _method, event: {**event, **bound},
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_rendering(settings),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.log_level.upper())
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(max(root.level, logging.WARNING))
    logging.captureWarnings(capture=True)


def _rendering(settings: Settings) -> list[Processor]:
    if settings.log_format == "json":
        return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(ensure_ascii=False)]
    plain = structlog.dev.plain_traceback
    return [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain, sort_keys=False)]


def _name_library(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """A library's line is prose: it becomes the message of an event named after the library."""
    record: logging.LogRecord | None = event.get("_record")
    if record is not None:
        event["message"] = event["event"]
        event["event"] = record.name
    return event
