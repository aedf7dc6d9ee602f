"""Where bytes are kept by name: a folder, or a bucket of any storage that speaks S3 (boto3). `adapters.evidence` keeps pictures here.

A name is written whole or not at all, and the same name always means the same bytes, so that writing twice is harmless.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from config.settings import Settings
from incidents.errors import TryAgain, UserError

S3 = "s3://"
CONNECT_S = 5
READ_S = 30
GONE = frozenset({"NoSuchKey", "404"})
MISTAKES = frozenset({"NoSuchBucket", "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidBucketName", "403"})
"""Codes that no repetition mends (S3 API reference, error responses)."""


class Blobs(Protocol):
    """Bytes by name, `ab/abc….jpg`. Every method raises TryAgain when the storage is away, and UserError where it is set up wrongly."""

    def put(self, name: str, data: bytes, media_type: str) -> None:
        """Keep these bytes; durable when it returns."""

    def get(self, name: str) -> bytes | None:
        """The bytes; None when there are none."""

    def remove(self, name: str) -> None:
        """Forget them; nothing when there are none."""


def open_blobs(settings: Settings) -> Blobs:
    """The storage of `CITYLOOP_EVIDENCE_URL`. Raises UserError for an address that is none."""
    url = settings.evidence_url
    if url is None:
        return Folder(settings.local_dir / "evidence" / settings.named(settings.city))
    if url.startswith(S3):
        parts = urlsplit(url)
        if parts.netloc:
            return Bucket(parts.netloc, parts.path.strip("/"), settings.evidence_s3_endpoint)
    elif "://" not in url:
        return Folder(Path(url))
    raise UserError(f"CITYLOOP_EVIDENCE_URL={url}: write s3://bucket/prefix or the path of a folder")


class Folder:
    """Files below a folder, readable by their owner only."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, name: str, data: bytes, media_type: str) -> None:
        """See Blobs."""
        path = self._folder / name
        with _disk():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle, made = tempfile.mkstemp(dir=path.parent)
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            Path(made).replace(path)
            _sync(path.parent)

    def get(self, name: str) -> bytes | None:
        """See Blobs."""
        with _disk():
            try:
                return (self._folder / name).read_bytes()
            except FileNotFoundError:
                return None

    def remove(self, name: str) -> None:
        """See Blobs."""
        with _disk():
            (self._folder / name).unlink(missing_ok=True)


def _sync(folder: Path) -> None:
    """Make the folder's new entry durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _disk() -> Iterator[None]:
    try:
        yield
    except PermissionError as error:
        raise UserError(f"the folder of evidence cannot be used: {error}; set CITYLOOP_EVIDENCE_URL to one that can") from None
    except OSError as error:
        raise TryAgain(f"the folder of evidence: {error}") from error


class Bucket:
    """Objects of one bucket below a prefix. Credentials come by boto3's ordinary ways (environment, profile, instance)."""

    def __init__(self, bucket: str, prefix: str, endpoint: str | None) -> None:
        import boto3  # half a second that only they pay who use it
        from botocore.config import Config

        options = Config(
            connect_timeout=CONNECT_S,
            read_timeout=READ_S,
            retries={"mode": "standard", "total_max_attempts": 2},
            s3={"addressing_style": "path" if endpoint else "auto"},
        )
        with self._storage():
            self._client: Any = boto3.client("s3", endpoint_url=endpoint, config=options)
        self._bucket, self._prefix = bucket, prefix

    def put(self, name: str, data: bytes, media_type: str) -> None:
        """See Blobs."""
        with self._storage():
            self._client.put_object(Bucket=self._bucket, Key=self._key(name), Body=data, ContentType=media_type)

    def get(self, name: str) -> bytes | None:
        """See Blobs."""
        from botocore.exceptions import ClientError

        with self._storage():
            try:
                found: bytes = self._client.get_object(Bucket=self._bucket, Key=self._key(name))["Body"].read()
            except ClientError as error:
                if error.response["Error"]["Code"] in GONE:
                    return None
                raise
            return found

    def remove(self, name: str) -> None:
        """See Blobs."""
        with self._storage():
            self._client.delete_object(Bucket=self._bucket, Key=self._key(name))

    def _key(self, name: str) -> str:
        return f"{self._prefix}/{name}" if self._prefix else name

    @staticmethod
    @contextmanager
    def _storage() -> Iterator[None]:
        from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError, PartialCredentialsError

        try:
            yield
        except (NoCredentialsError, NoRegionError, PartialCredentialsError) as error:
            raise UserError(f"the storage of evidence: {error}; set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_DEFAULT_REGION") from None
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in MISTAKES:
                raise UserError(f"the storage of evidence answers {code}; look at CITYLOOP_EVIDENCE_URL and the credentials") from None
            raise TryAgain(f"the storage of evidence: {code}") from error
        except BotoCoreError as error:
            raise TryAgain(f"the storage of evidence: {error}") from error
