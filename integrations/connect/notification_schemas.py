"""The shapes of custom email notifications and of post-load hooks."""

from typing import Annotated, Any, Literal

from ninja import Schema
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, StrictStr, WithJsonSchema

from integrations.connect.schemas import Timestamp, without_defaults

MaybeTime = Annotated[Any, WithJsonSchema({"type": ["string", "null"], "format": "date-time"})]


class CustomEmailCreate(BaseModel):
    """An address for the list."""

    model_config = ConfigDict(extra="forbid")

    email_address: Annotated[StrictStr, Field(json_schema_extra={"format": "email"}, max_length=254)]


class CustomEmailChange(BaseModel):
    """When the address was disabled: any time does it at once, null enables it."""

    model_config = ConfigDict(extra="forbid")

    disabled_at: MaybeTime


class CustomEmailRefusedValue(BaseModel):
    """The value that is no time."""

    model_config = ConfigDict(extra="forbid")

    disabled_at: Any


class CustomEmailChanged(Schema):
    """Since when the address gets no mail; null when it gets some."""

    disabled_at: Timestamp | None


class CustomEmail(Schema):
    """An address of the custom notification list."""

    id: int
    client_id: int
    email_address: str
    created_at: Timestamp
    disabled_at: Timestamp | None


class Message(BaseModel):
    """What was wrong, or which value was."""

    model_config = ConfigDict(extra="forbid")

    message: str | dict[str, str]


class CustomEmailRefused(BaseModel):
    """The error of custom email notifications."""

    error: Message


class EmailStatus(BaseModel):
    """The error for an address that the account does not have."""

    status: Literal["NOT FOUND"]


class HookConfig(BaseModel):
    """Where a hook sends to."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=without_defaults)

    url: Annotated[StrictStr, Field(max_length=2_000, description="An https address.")]
    destination_id: Annotated[
        StrictInt, Field(description="Its place in older programs; use the one beside config.")
    ] = 0


class HookCreate(BaseModel):
    """A hook to add."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=without_defaults)

    type: Literal["post_load"]
    destination_id: Annotated[
        StrictInt, Field(description="The destination whose loads are told of; required, here or in config.")
    ] = 0
    config: HookConfig


class HookChange(BaseModel):
    """Whether the hook is sent messages."""

    model_config = ConfigDict(extra="forbid")

    enable: StrictBool


class HookUrl(Schema):
    """Where a hook sends to."""

    url: str


class Hook(Schema):
    """A post-load hook."""

    id: int
    client_id: int
    type: Literal["post_load"]
    version: int
    destination_id: int
    config: HookUrl
    created_at: Timestamp
    modified_at: Timestamp
    disabled_at: Timestamp | None


class HookCreated(Hook):
    """A new hook with the secret that signs its messages, shown this once."""

    signing_secret: str


class HookList(Schema):
    """The hooks of each type; there is one type."""

    post_load: list[Hook]


class HookBodyData(BaseModel):
    """What was wrong; `reason` says more where the shape was right."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=without_defaults)

    message: str
    reason: str = ""


class HookBodyRefused(BaseModel):
    """The error for a body."""

    data: HookBodyData
    error: Literal["InvalidBody"]


class HookMessage(BaseModel):
    """What a plan's limit says."""

    message: str


class HookRefused(BaseModel):
    """The error for a limit."""

    error: HookMessage


class HookUnknown(BaseModel):
    """The error for a hook that the account does not have."""

    error: Literal["NotFound"]
