# A worker of either kind: prepare (CPU) or transcribe (a model on a CPU or GPU).
FROM python:3.12-slim-bookworm
# Where torch comes from; empty means where everything else comes from, which on Linux is its CUDA build.
ARG TORCH_INDEX=""
WORKDIR /app
RUN pip install --no-cache-dir ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} torch==2.13.0
COPY pyproject.toml README.md LICENSE ./
COPY jobs jobs
COPY web/__init__.py web/__init__.py
COPY worker worker
COPY tingxie tingxie
RUN pip install --no-cache-dir ".[worker]"
RUN useradd --create-home tingxie && mkdir /data /models && chown tingxie /data /models
USER tingxie
VOLUME /data
# Downloaded models stay in a volume of their own.
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
ENV TINGXIE_DATA_DIR=/data HF_HOME=/models
ENTRYPOINT ["tingxie"]
CMD ["worker", "transcribe"]
