"""What bench.polls compares with: the front end's own gunicorn around a Flask view that answers with one GET."""

from typing import Any

from flask import Flask, Response
from redis import Redis

from jobs.settings import Settings
from web.server import Server, listen

#: as long as a poll's answer
BODY = b'{"text": "' + b"x" * 700 + b'"}'


class BareServer(Server):
    def load(self) -> Any:
        redis = Redis.from_url(self._settings.redis_url)
        redis.set("bench:body", BODY)
        app = Flask(__name__)

        @app.get("/get")
        def get() -> Response:
            return Response(redis.get("bench:body"), content_type="application/json")

        return app


if __name__ == "__main__":
    settings = Settings(port=0)
    listener = listen(settings.host, settings.port)
    print(f"listening http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    BareServer(settings, [listener]).run()
