"""The shapes of destinations, their types and their checks, in both versions of the API."""

from typing import Annotated, Any, Literal

from ninja import Schema
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictStr, WithJsonSchema

from integrations.connect.schemas import ErrorData, Text, Timestamp, without_defaults
from integrations.models import DestinationType
from integrations.services.destination_properties import POSTGRES


class DestinationProperty(BaseModel):
    """One property of a form; a credential is taken and never returned."""

    name: str
    is_required: bool
    is_credential: bool
    system_provided: bool
    property_type: Literal["user_provided"]
    json_schema: dict[str, Any]
    provided: bool


class DestinationStep(Schema):
    """One step of a destination's set-up; only the form has properties."""

    type: Literal["form", "fully_configured"]
    properties: list[DestinationProperty]


class DestinationCard(Schema):
    """How far a destination is set up; steps count from 1."""

    type: str
    current_step: int
    current_step_type: str
    steps: list[DestinationStep]


class Details(Schema):
    """What holds for every destination of a type; `access` tells whether the account may create one now."""

    pricing_tier: str
    pipeline_state: str
    protocol: str
    access: bool


class DestinationTypeCard(DestinationCard):
    """A destination type: its steps, with nothing provided yet."""

    details: Details


Values = Annotated[
    dict[str, Any],
    WithJsonSchema(
        {
            "type": "object",
            "description": "The properties of the type's report card; duckdb has none.",
            "properties": {each.name: each.json_schema for each in POSTGRES},
        }
    ),
]
TypeName = Annotated[
    Text,
    Field(
        description="postgres, or duckdb for the account's embedded warehouse.",
        json_schema_extra={"enum": list(DestinationType.values)},
    ),
]


class DestinationCreate(BaseModel):
    """A destination to create."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=without_defaults)

    type: TypeName
    properties: Values
    name: Annotated[StrictStr, Field(description="What people see; made from the type when absent.")] = ""
    description: StrictStr = ""
    ignore_unmapped_sources: Annotated[
        StrictBool,
        Field(description="True maps no source to it; else every source without a destination is mapped."),
    ] = False


class DestinationUpdate(BaseModel):
    """What to change of a destination; absent keys and properties stay as they are."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra=lambda schema: (without_defaults(schema), schema.update(minProperties=1)),
    )

    properties: Values = Field(default_factory=dict)
    name: StrictStr = ""
    description: StrictStr = ""
    type: Annotated[
        StrictStr,
        Field(
            description="The destination's own type; it cannot be changed.",
            json_schema_extra={"enum": list(DestinationType.values)},
        ),
    ] = ""


class Destination(Schema):
    """A destination. `check_job_name` is there once a connection check was started."""

    description: str | None
    properties: dict[str, str]
    updated_at: Timestamp
    check_job_name: str | None = None
    name: str
    type: str
    deleted_at: Timestamp | None
    system_paused_at: Timestamp | None
    stitch_client_id: int
    paused_at: Timestamp | None
    id: int
    display_name: str | None
    created_at: Timestamp
    report_card: DestinationCard


class Nothing(BaseModel):
    """An empty object."""

    model_config = ConfigDict(extra="forbid")


class ConnectionCheck(Schema):
    """A connection check; exit statuses are null while it runs, then 0 for good and 1 for bad."""

    target_exit_status: int | None
    tap_error_message: str | None
    check_exit_status: int | None
    name: str
    start_time: Timestamp
    mode: Literal["check"]
    tap_exit_status: int | None
    target_error_message: str | None
    discovery_exit_status: int | None
    status: Literal["running", "succeeded", "failed"]
    completion_time: Timestamp | None
    error: bool
    discovery_error_message: str | None


class BadPropertiesData(ErrorData):
    """Which properties were wrong, why, and what the form wants."""

    bad_properties: list[str]
    report_card: DestinationCard
    reasons: dict[str, str]


class BadProperties(BaseModel):
    """The error for properties that a destination does not take."""

    error: Literal["InvalidProperties"]
    data: BadPropertiesData


Sentence = Annotated[str, Field(description="What was wrong, as a JSON text.")]


class OldDestinationBody(BaseModel):
    """A destination to create or to change, as the third version has it."""

    model_config = ConfigDict(extra="forbid")

    type: Annotated[Text, Field(json_schema_extra={"enum": [DestinationType.POSTGRES.value]})]
    connection: Values


class OldCheck(Schema):
    """The last connection check; `completed_at` is null while it runs."""

    error: bool
    started_at: Timestamp
    completed_at: Timestamp | None


class OldDestination(Schema):
    """A destination as the third version has it."""

    id: int
    type: str
    created_at: Timestamp
    updated_at: Timestamp
    connection: dict[str, Any]
    last_check: OldCheck | None
