# The front end: Flask and the contract, no torch.
FROM python:3.12-slim-bookworm
WORKDIR /app
COPY pyproject.toml README.md LICENSE ./
COPY jobs jobs
COPY web web
COPY worker/__init__.py worker/__init__.py
COPY tingxie tingxie
RUN pip install --no-cache-dir ".[web]"
# A named volume takes the owner of the folder that it first covers.
RUN useradd --create-home tingxie && mkdir /data && chown tingxie /data
USER tingxie
VOLUME /data
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
ENV TINGXIE_HOST=0.0.0.0 TINGXIE_PORT=8000 TINGXIE_DATA_DIR=/data
EXPOSE 8000
HEALTHCHECK CMD python -c "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/healthz', timeout=3)"
ENTRYPOINT ["tingxie"]
CMD ["web"]
