"""The Celery app for Celery's own tools: `celery -A jobs.celery_app inspect ping`. Settings: the environment's."""

from jobs.broker import make_celery
from jobs.settings import Settings

app = make_celery(Settings())
