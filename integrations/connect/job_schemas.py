"""The shapes of jobs: for the OpenAPI document."""

from ninja import Schema
from pydantic import BaseModel, ConfigDict

from integrations.connect.schemas import Timestamp


class StartedJob(BaseModel):
    """The job that was started."""

    model_config = ConfigDict(extra="forbid")

    job_name: str


class PhaseError(Schema):
    """Which phase of a job failed, or which table cannot be loaded, and in what words."""

    phase: str
    stream_name: str | None
    message: str


class StreamProgress(Schema):
    """One stream of a job: what the tap brought, and what became of it. Null: its receipts are not kept any more."""

    stream_name: str
    extracted: int
    waiting: int
    inserted: int | None
    updated: int | None
    superseded: int | None
    rejected: int | None
    error: str | None


class JobProgress(Schema):
    """A job from its start to the last row in the destination."""

    job_name: str
    mode: str
    stitch_client_id: int
    source_id: int
    state: str
    start_time: Timestamp | None
    completion_time: Timestamp | None
    loaded_at: Timestamp | None
    discovery_exit_status: int | None
    check_exit_status: int | None
    tap_exit_status: int | None
    target_exit_status: int | None
    rows: int
    rows_waiting: int
    streams: list[StreamProgress]
    error: PhaseError | None
