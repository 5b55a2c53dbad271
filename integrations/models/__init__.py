"""Integrations, destinations, tokens, batches and loads."""

from integrations.models.access_token import MAX_ACTIVE_TOKENS, AccessToken, AccessTokenRefusal
from integrations.models.batch import (
    Batch,
    BatchTable,
    BatchTableState,
    ErrorScope,
    IdempotencyKey,
    QueuedTable,
)
from integrations.models.destination import Destination, DestinationType
from integrations.models.free_week import FreeWeek
from integrations.models.hook import MAX_HOOKS, MAX_URL, Delivery, DeliveryState, Hook
from integrations.models.integration import Integration, IntegrationType, SetUpStep
from integrations.models.job import Job, JobMode, JobTrigger
from integrations.models.load import DailyRows, Load, LoadedTable, LoadStatus
from integrations.models.notification import Notification
from integrations.models.notification_address import (
    MAX_ADDRESSES,
    NotificationAddress,
    NotificationContent,
)
from integrations.models.notification_kind import Category, Facts, Kind, Level
from integrations.models.received_request import ReceivedRequest, RequestDay
from integrations.models.rejected_record import RejectedCut, RejectedFormat, RejectedRecord, RejectedState
from integrations.models.selection_draft import SelectionDraft
from integrations.models.stream import SchemaChange, SchemaChangeKind, SourceState, Stream

__all__ = [
    "MAX_ACTIVE_TOKENS",
    "MAX_ADDRESSES",
    "MAX_HOOKS",
    "MAX_URL",
    "AccessToken",
    "AccessTokenRefusal",
    "Batch",
    "BatchTable",
    "BatchTableState",
    "Category",
    "DailyRows",
    "Delivery",
    "DeliveryState",
    "Destination",
    "DestinationType",
    "ErrorScope",
    "Facts",
    "FreeWeek",
    "Hook",
    "IdempotencyKey",
    "Integration",
    "IntegrationType",
    "Job",
    "JobMode",
    "JobTrigger",
    "Kind",
    "Level",
    "Load",
    "LoadStatus",
    "LoadedTable",
    "Notification",
    "NotificationAddress",
    "NotificationContent",
    "QueuedTable",
    "ReceivedRequest",
    "RejectedCut",
    "RejectedFormat",
    "RejectedRecord",
    "RejectedState",
    "RequestDay",
    "SchemaChange",
    "SchemaChangeKind",
    "SelectionDraft",
    "SetUpStep",
    "SourceState",
    "Stream",
]
