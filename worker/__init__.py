"""The Celery workers: the three phases prepare, transcribe and finish, and what keeps them going. Never imports web."""
