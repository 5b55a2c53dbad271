"""The shapes of the Connect API: what its OpenAPI document says and its bodies are checked against."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from ninja import Schema
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictInt, StrictStr, WithJsonSchema

from integrations.connect.pages import Links
from integrations.connect.report_cards import ReportCard


def parse_timestamp(value: Any) -> datetime | None:
    """Read an ISO 8601 time; one without a zone is UTC. Null means: go on."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise ValueError("not a timestamp")
    try:
        moment = datetime.fromisoformat(value)
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except OverflowError as error:
        raise ValueError("outside the calendar") from error


Timestamp = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
Text = Annotated[StrictStr, Field(min_length=1)]
# What a name may not be has its own error, so its value is judged after the shape of the body.
AnyText = Annotated[Any, WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 255})]
Properties = Annotated[
    dict[str, Any],
    WithJsonSchema(
        {
            "type": "object",
            "additionalProperties": {"type": ["string", "integer", "boolean", "array", "null"]},
            "description": "What the type's report card names; null clears an optional one.",
        }
    ),
]


def without_defaults(schema: dict[str, Any]) -> None:
    """Say nothing of defaults in the document: they only mark a key that was not sent."""
    for field in schema["properties"].values():
        field.pop("default", None)


class SourceCreate(BaseModel):
    """A source to create."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=without_defaults)

    type: Annotated[Text, Field(description="The source's type, e.g. import_api.")]
    display_name: Annotated[Text, Field(description="What people see; the schema name is derived from it.")]
    name: Annotated[
        StrictStr, Field(description="The schema name in the destination, never changed later.")
    ] = ""
    properties: Properties = Field(default_factory=dict)
    destination_id: Annotated[StrictInt, Field(description="The destination to load into.")] = 0


class SourceUpdate(BaseModel):
    """What to change of a source; absent keys stay as they are."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=without_defaults)

    display_name: AnyText = ""
    properties: Properties = Field(default_factory=dict)
    paused_at: Annotated[
        datetime | None,
        BeforeValidator(parse_timestamp),
        WithJsonSchema({"type": ["string", "null"], "format": "date-time"}),
        Field(description="Any time pauses the source at once; null lets it go on."),
    ] = None
    destination_id: StrictInt = 0


class Interval(Schema):
    """Extractions that start every so many minutes."""

    type: Literal["interval"]
    unit: str
    interval: float
    next_fire_time: Timestamp | None


class Cron(Schema):
    """Extractions that start as a cron expression says."""

    type: Literal["cron"]
    cron_expression: str
    next_fire_time: Timestamp | None


Schedule = Interval | Cron


class Source(Schema):
    """A source: what the pages call an integration."""

    properties: dict[str, Any]
    description: str | None
    updated_at: Timestamp
    schedule: Schedule | None
    check_job_name: str | None
    name: str
    mapped_destination_ids: list[int]
    type: str
    deleted_at: Timestamp | None
    system_paused_at: Timestamp | None
    stitch_client_id: int
    paused_at: Timestamp | None
    id: int
    display_name: str
    created_at: Timestamp
    report_card: ReportCard


class Details(Schema):
    """What a type is, and whether this account may create one of it."""

    pricing_tier: str
    pipeline_state: str
    default_start_date: str | None
    default_scheduling_interval: int | None
    protocol: str
    access: bool
    image_version: str | None


class Successor(Schema):
    """The type that takes a type's place."""

    type: str


class SourceType(ReportCard):
    """A type of sources, with the steps that set one up."""

    details: Details
    upgrade_available: Successor | None


class ConnectionCheck(Schema):
    """A connection check: can the source be reached, and what tables does it hold."""

    target_exit_status: int | None
    tap_error_message: str | None
    check_exit_status: int | None
    name: str
    start_time: Timestamp
    mode: str
    tap_exit_status: int | None
    target_error_message: str | None
    discovery_exit_status: int | None
    status: str
    completion_time: Timestamp | None
    error: bool
    discovery_error_message: str | None


class Extraction(Schema):
    """An extraction that ended. 0 is good, any other status a failure, null: the phase did not end."""

    target_exit_status: int | None
    job_name: str
    start_time: Timestamp
    stitch_client_id: int
    tap_exit_status: int | None
    source_type: str
    target_description: str | None
    discovery_exit_status: int | None
    discovery_description: str | None
    tap_description: str | None
    completion_time: Timestamp | None
    source_id: int
    tap_name: str
    discovery_error_message: str | None
    tap_error_message: str | None
    target_error_message: str | None


class ExtractionPage(Schema):
    """A page of extractions."""

    data: list[Extraction]
    page: int
    total: int
    links: Links


class ErrorState(Schema):
    """Why a table cannot be loaded."""

    notification_data: dict[str, Any]
    exception_chain: list[dict[str, Any]]


class Load(Schema):
    """The newest attempt to load a table."""

    stitch_client_id: int
    source_name: str
    stream_name: str
    last_batch_loaded_at: Timestamp | None
    error_state: ErrorState | None


class LoadPage(Schema):
    """A page of loads."""

    data: list[Load]
    page: int
    total: int
    links: Links


class Done(Schema):
    """It was done."""

    status: int


class TokenListed(Schema):
    """An active Import API access token; its secret is never shown again."""

    token_id: int
    created_at: Timestamp


class TokenCreated(Schema):
    """A new Import API access token with its secret, shown this once."""

    id: int
    access_token: str


class ErrorData(BaseModel):
    """What was wrong."""

    model_config = ConfigDict(extra="forbid")

    message: str


class PropertiesErrorData(ErrorData):
    """Which properties were wrong."""

    bad_properties: list[str]
    report_card: ReportCard


class SourceError(BaseModel):
    """An error of the sources' endpoints."""

    error: str
    data: ErrorData | PropertiesErrorData


class PlainError(BaseModel):
    """An error outside the endpoints: no valid key, no such path."""

    error: str
    message: str


class Grounds(Schema):
    """What was wrong; its type where it has one."""

    type: str = ""
    message: str


class GroupedError(Schema):
    """An error of jobs and of lists in pages."""

    error: Grounds
