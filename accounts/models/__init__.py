"""People, accounts, plans, API access keys and the audit trail."""

from accounts.models.account import Account, Region
from accounts.models.api_key import MAX_API_KEYS, ApiKey, ApiKeyClient, ApiKeyRefusal
from accounts.models.audit_event import AppendOnly, AuditEvent
from accounts.models.invitation import LINK_LIFETIME, Invitation
from accounts.models.membership import Membership, Role
from accounts.models.plan import Plan
from accounts.models.task import Task
from accounts.models.user import User

__all__ = [
    "LINK_LIFETIME",
    "MAX_API_KEYS",
    "Account",
    "ApiKey",
    "ApiKeyClient",
    "ApiKeyRefusal",
    "AppendOnly",
    "AuditEvent",
    "Invitation",
    "Membership",
    "Plan",
    "Region",
    "Role",
    "Task",
    "User",
]
