"""The shapes of streams and of what is selected: for the OpenAPI document and the check of bodies."""

from typing import Annotated, Any

from ninja import Schema
from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema


class Stream(Schema):
    """A table of a source."""

    selected: bool | None
    stream_id: int
    tap_stream_id: str
    stream_name: str
    metadata: dict[str, Any]


class MetadataEntry(Schema):
    """What is known of a stream (an empty breadcrumb) or of one of its fields."""

    breadcrumb: list[str]
    metadata: dict[str, Any]


class StreamSchema(Schema):
    """A stream's fields: their JSON Schema as text, and what is known and chosen of each."""

    model_config = ConfigDict(populate_by_name=True)

    as_text: str = Field(alias="schema")
    metadata: list[MetadataEntry]
    settable: list[str] = Field(alias="non-discoverable-metadata-keys")


NULLABLE_TEXT = {"type": ["string", "null"], "maxLength": 1000}
CHOICE = {
    "type": "object",
    "required": ["breadcrumb", "metadata"],
    "properties": {
        "breadcrumb": {"type": "array", "items": {"type": "string"}},
        "metadata": {
            "type": "object",
            "properties": {
                "selected": {"type": ["boolean", "null"]},
                "replication-method": {"enum": ["FULL_TABLE", "INCREMENTAL", "LOG_BASED", None]},
                "replication-key": NULLABLE_TEXT,
                "view-key-properties": {
                    "type": ["array", "null"],
                    "items": {"type": "string", "maxLength": 1000},
                    "maxItems": 100,
                },
            },
            "additionalProperties": False,
        },
    },
}
CHOICES = {
    "type": "array",
    "minItems": 1,
    "items": {
        "type": "object",
        "required": ["tap_stream_id", "metadata"],
        "properties": {
            "tap_stream_id": {"type": "string"},
            "metadata": {"type": "array", "items": CHOICE},
        },
    },
}


class StreamsMetadata(BaseModel):
    """What to replicate: values for streams (an empty breadcrumb) and fields (`["properties", "<field>"]`)."""

    streams: Annotated[Any, WithJsonSchema(CHOICES)]


class InvalidFields(BaseModel):
    """Why nothing was selected."""

    invalid_fields: str
