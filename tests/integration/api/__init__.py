"""The front end over real HTTP: a gunicorn process on loopback, a real Redis, a folder as the store."""
