# cityloop's roles in one small image: `docker build -t cityloop .`, then `docker run cityloop worker` (or console, topics apply, …).
FROM python:3.11-slim

WORKDIR /app
COPY requirements.lock .
RUN pip install --no-cache-dir --require-hashes -r requirements.lock \
    && useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin cityloop \
    && install -d -o cityloop -g cityloop /data

COPY pyproject.toml LICENSE ./
COPY incidents incidents
COPY config config
COPY adapters adapters
COPY producers producers
COPY streams streams
COPY handlers handlers
COPY console console
COPY cli cli

# Ours come first on the path; .local of the native stack becomes /data.
ENV PYTHONPATH=/app PYTHONSAFEPATH=1 PYTHONDONTWRITEBYTECODE=1 CITYLOOP_LOCAL_DIR=/data CITYLOOP_LOG_FORMAT=json
USER cityloop
ENTRYPOINT ["python", "-m", "cli"]
CMD ["--help"]
