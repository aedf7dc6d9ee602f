"""The only reader of the environment: every setting of every role, checked once at start, then passed on as values."""

import json
import os
from enum import StrEnum
from pathlib import Path

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from incidents.errors import UserError

ROOT = Path(__file__).resolve().parent.parent
ADDRESSES = ("kafka_bootstrap", "redis_url")  # what a running local stack answers for, after the environment and before the default
LAST_PORT = 65535


class LogFormat(StrEnum):
    """How log lines look."""

    CONSOLE = "console"
    JSON = "json"


class Settings(BaseSettings):
    """Settings from the environment, prefix `CITYLOOP_`. The field's description is its documentation (docs/settings.md)."""

    model_config = SettingsConfigDict(env_prefix="CITYLOOP_", frozen=True, extra="ignore")

    kafka_bootstrap: str = Field("127.0.0.1:9092", description="Kafka brokers, `host:port,host:port`; unset: the local stack's, if up")
    redis_url: str = Field("redis://127.0.0.1:6379/0", description="Redis with `appendfsync always`; unset: the local stack's, if up")
    database_url: str | None = Field(None, description="`postgresql://…` or `sqlite:////path`; default SQLite below the local_dir")
    namespace: str = Field("", pattern=r"^[a-z0-9.-]*$", description="prefixes topics, consumer groups, the app id, Redis keys")
    city: str = Field("qingdao", description="folder below cities/ of the configuration")
    clock: str = Field("real", description="`real`, `x600@2026-11-21T08:00+08:00` or `events` (ARCHITECTURE.md §1)")
    boundaries: Path | None = Field(None, description="GeoJSON of districts or subdistricts that replaces the city's own")
    boundaries_datum: str = Field("wgs84", description="datum of that file: wgs84, gcj02 or bd09")
    base_layers: Path | None = Field(None, description="TOML file of the map's raster layers (docs/desk.md); none: districts only")
    config_dir: Path = Field(ROOT / "config", description="where cities/ and mappings/ are")
    http_host: str = Field("127.0.0.1", description="address the console listens on")
    http_port: int = Field(8080, ge=0, le=LAST_PORT, description="port of the console; 0 takes a free one")
    console_url: str = Field(
        "", pattern=r"^(https?://.*)?$", description="address under which people open the console: notices link there; none: no links"
    )
    metrics_host: str = Field("127.0.0.1", description="address /metrics, /healthz and /readyz listen on")
    metrics_port: int = Field(0, ge=0, le=LAST_PORT, description="first port of /metrics of this process; 0 takes a free one")
    log_format: LogFormat = Field(LogFormat.CONSOLE, description="`console` or `json`")
    log_level: str = Field("INFO", pattern=r"^(DEBUG|INFO|WARNING|ERROR)$", description="least level that is logged")
    batch_max: int = Field(5000, ge=1, le=50_000, description="most reports that intake takes at once")
    replication: int = Field(1, ge=1, description="replication factor of topics that `cityloop topics apply` creates")
    local_dir: Path = Field(ROOT / ".local", description="data, logs and addresses of the local stack that `cityloop up` starts")
    secrets_dir: Path | None = Field(None, description="folder of the city's secrets (docs/people.md); the local stack makes its own")
    journal_copy: Path | None = Field(
        None, description="file, best on another machine's disk, that the journal's checkpoints are copied to"
    )
    evidence_url: str | None = Field(None, description="where pictures are kept: a folder, or `s3://bucket/prefix`; default below .local/")
    evidence_s3_endpoint: str | None = Field(None, description="address of an S3-compatible storage that is not Amazon's")
    evidence_days: int = Field(1096, ge=1, description="days that pictures of cases are kept")
    evidence_unused_days: int = Field(30, ge=1, description="days that pictures are kept which no case shows")
    rate_account: int = Field(1_200, ge=1, description="most API requests of one account in a minute")
    rate_token: int = Field(60_000, ge=1, description="most API requests of one token in a minute")
    rate_address: int = Field(600, ge=1, description="most API requests of one address in a minute that nobody is signed in for")
    seal_days: int = Field(180, ge=1, le=3650, description="days until the key of a report's personal data is erased (docs/privacy.md)")
    fault: str = Field("", description="tests only: name of the fault point at which this process kills (or with `stop@` stops) itself")

    def named(self, name: str) -> str:
        """A topic, group or app id with this stack's namespace."""
        return f"{self.namespace}{name}"


def from_environment(name: str) -> str | None:
    """A secret that hooks.toml names as `env:NAME`."""
    return os.environ.get(name)


def load_settings() -> Settings:
    """The settings of this process. Raises UserError naming every wrong variable, its value and what is right."""
    try:
        settings = Settings()
    except ValidationError as error:
        wrong = [f"CITYLOOP_{'_'.join(map(str, e['loc'])).upper()}={e['input']!r}: {e['msg']}" for e in error.errors()]
        raise UserError("wrong settings:\n  " + "\n  ".join(wrong)) from None
    return settings.model_copy(update=_of_the_local_stack(settings))


def _of_the_local_stack(settings: Settings) -> dict[str, str]:
    """The addresses of the stack that `cityloop up` started, for those settings that the environment leaves open (docs/settings.md)."""
    try:
        state = json.loads((settings.local_dir / "stack" / "state.json").read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError:
        raise UserError(f"{settings.local_dir}/stack/state.json is not JSON; run `cityloop down`, or remove that file") from None
    addresses = state.get("addresses") or {}
    return {name: address for name, address in addresses.items() if name in ADDRESSES and name not in settings.model_fields_set}
