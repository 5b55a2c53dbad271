"""Write the audit trail: one event per changed object, in the transaction of the change (promise A1)."""

from enum import StrEnum

from django.db import models

from accounts.lines import can_forge
from accounts.models import Account, ApiKey, AuditEvent, User
from stitchapp import request_facts


class Event(StrEnum):
    """What can happen. The value is stored; the label is what people read."""

    def __new__(cls, value: str, label: str):
        member = str.__new__(cls, value)
        member._value_ = value
        member.label = label
        return member

    ACCOUNT_CREATED = "account.created", "Account created"
    COMPANY_UPDATED = "account.company_updated", "Company information updated"
    PLAN_CHANGED = "account.plan_changed", "Plan changed"
    TRIAL_ENDED = "account.trial_ended", "Free trial ended"
    HOLD_PLACED = "account.hold_placed", "Account put on hold"
    HOLD_LIFTED = "account.hold_lifted", "Hold of the account lifted"
    ACCOUNT_CLOSED = "account.closed", "Account closed"
    ACCOUNT_REOPENED = "account.reopened", "Account reopened"
    ACCOUNT_DELETED = "account.deleted", "Account deleted"
    DATA_DOWNLOADED = "user.data_downloaded", "Own data downloaded"
    TWO_FACTOR_REQUIRED = "account.two_factor_required", "Two-factor authentication required of every member"
    TWO_FACTOR_NOT_REQUIRED = "account.two_factor_not_required", "Two-factor authentication required no more"
    MEMBER_JOINED = "member.joined", "Member joined"
    INVITATION_SENT = "invitation.sent", "Invitation sent"
    INVITATION_RESENT = "invitation.resent", "Invitation sent again"
    INVITATION_ROLE_CHANGED = "invitation.role_changed", "Role of an invitation changed"
    INVITATION_CANCELLED = "invitation.cancelled", "Invitation cancelled"
    INVITATION_ACCEPTED = "invitation.accepted", "Invitation accepted"
    MEMBER_ROLE_CHANGED = "member.role_changed", "Role changed"
    MEMBER_DEACTIVATED = "member.deactivated", "Member deactivated"
    MEMBER_LEFT = "member.left", "Member left"
    MEMBER_REACTIVATED = "member.reactivated", "Member reactivated"
    PROFILE_UPDATED = "user.profile_updated", "Profile updated"
    SIGNED_IN = "user.signed_in", "Signed in"
    SIGN_IN_FAILED = "user.sign_in_failed", "Sign-in failed"
    SIGN_IN_CONFIRMED = "user.sign_in_confirmed", "Password or passkey given again"
    SIGNED_OUT = "user.signed_out", "Signed out"
    PASSWORD_CHANGED = "user.password_changed", "Password changed"
    PASSWORD_RESET_REQUESTED = "user.password_reset_requested", "Password reset requested"
    PASSKEY_ADDED = "user.passkey_added", "Passkey added"
    PASSKEY_REMOVED = "user.passkey_removed", "Passkey removed"
    SESSION_ENDED = "user.session_ended", "A session ended from another one"
    SESSIONS_ENDED = "user.sessions_ended", "Signed out everywhere"
    SIGN_IN_ALERTS_CHANGED = "user.sign_in_alerts_changed", "Mail about new sign-ins switched"
    AUTHENTICATOR_ADDED = "user.authenticator_added", "Authenticator app added"
    AUTHENTICATOR_REMOVED = "user.authenticator_removed", "Authenticator app removed"
    RECOVERY_CODES_MADE = "user.recovery_codes_made", "Recovery codes generated"
    RECOVERY_CODE_USED = "user.recovery_code_used", "Recovery code used"
    SECOND_STEP_FAILED = "user.second_step_failed", "Wrong code at the second step of a sign-in"
    SECOND_FACTORS_RESET = "user.second_factors_reset", "Two-factor authentication removed by support"
    EMAIL_CONFIRMATION_SENT = "user.email_confirmation_sent", "Link to confirm an e-mail address sent"
    EMAIL_CONFIRMED = "user.email_confirmed", "E-mail address confirmed"
    API_KEY_CREATED = "api_key.created", "API access key created"
    API_KEY_DISABLED = "api_key.disabled", "API access key disabled"
    API_KEY_ENABLED = "api_key.enabled", "API access key re-enabled"
    API_KEY_HANDED_OVER = "api_key.handed_over", "API access key handed to a new owner"
    API_KEY_DELETED = "api_key.deleted", "API access key deleted"
    INTEGRATION_CREATED = "integration.created", "Integration created"
    INTEGRATION_CLONED = "integration.cloned", "Integration cloned"
    INTEGRATION_RENAMED = "integration.renamed", "Integration renamed"
    INTEGRATION_MAPPED = "integration.mapped", "Destination of an integration changed"
    CONNECTION_CHANGED = "integration.connection_changed", "Connection of an integration changed"
    SCHEDULE_CHANGED = "integration.schedule_changed", "Replication schedule changed"
    INTEGRATION_PAUSED = "integration.paused", "Integration paused"
    INTEGRATION_RESUMED = "integration.resumed", "Integration resumed"
    SELECTION_CHANGED = "integration.selection_changed", "Tables to replicate changed"
    BOOKMARKS_RESET = "integration.bookmarks_reset", "Bookmarks reset"
    INTEGRATION_DELETED = "integration.deleted", "Integration deleted"
    CHECK_STARTED = "integration.check_started", "Connection check started"
    EXTRACTION_STARTED = "integration.extraction_started", "Extraction started"
    EXTRACTION_STOPPED = "integration.extraction_stopped", "Extraction stopped"
    REJECTED_REPLAYED = "integration.rejected_replayed", "Rejected records replayed"
    REJECTED_DISMISSED = "integration.rejected_dismissed", "Rejected records dismissed"
    REJECTED_REOPENED = "integration.rejected_reopened", "Dismissed records reopened"
    ACCESS_TOKEN_CREATED = "access_token.created", "API access token generated"
    ACCESS_TOKEN_REVOKED = "access_token.revoked", "API access token revoked"
    DESTINATION_ADDED = "destination.added", "Destination added"
    DESTINATION_UPDATED = "destination.updated", "Destination settings changed"
    DESTINATION_CHECKED = "destination.checked", "Destination connection tested"
    DESTINATION_REMOVED = "destination.removed", "Destination removed"
    NOTIFICATION_DISMISSED = "notification.dismissed", "Notification dismissed"
    NOTIFICATION_ADDRESS_ADDED = "notification_address.added", "Notification address added"
    NOTIFICATION_ADDRESS_ASKED = "notification_address.asked", "Notification address asked to confirm again"
    NOTIFICATION_ADDRESS_CONFIRMED = "notification_address.confirmed", "Notification address confirmed"
    NOTIFICATION_ADDRESS_LEFT = "notification_address.left", "Notification address unsubscribed"
    NOTIFICATION_ADDRESS_DISABLED = "notification_address.disabled", "Notification address disabled"
    NOTIFICATION_ADDRESS_ENABLED = "notification_address.enabled", "Notification address re-enabled"
    NOTIFICATION_ADDRESS_DELETED = "notification_address.deleted", "Notification address deleted"
    NOTIFICATION_CONTENT_CHANGED = "notification.content_changed", "Notification content changed"
    HOOK_CREATED = "hook.created", "Post-load hook added"
    HOOK_DISABLED = "hook.disabled", "Post-load hook disabled"
    HOOK_ENABLED = "hook.enabled", "Post-load hook re-enabled"
    HOOK_DELETED = "hook.deleted", "Post-load hook deleted"
    HOOK_REPLAYED = "hook.replayed", "Message of a post-load hook sent again"
    CREDENTIAL_LOOKED_UP = "staff.credential_looked_up", "Credential looked up by support"
    TASK_RETRIED = "task.retried", "Background work retried by support"
    STAFF_CHANGED = "staff.changed", "Changed by support"


def record(
    event: Event,
    *,
    account: Account | None,
    actor: User | None,
    target: models.Model | None = None,
    target_name: str = "",
    by_staff: bool = False,
    api_key: ApiKey | None = None,
    **detail: object,
) -> AuditEvent:
    """Append an event; call it inside the transaction of the change that it tells of.

    `api_key` is the key that acted for `actor`, if one did. `detail` must be JSON and never holds a secret.
    Control characters are kept out of every line (A4).
    """
    facts = request_facts.current()
    return AuditEvent.objects.create(
        account=account,
        event=event.value,
        actor=actor,
        by_staff=by_staff,
        api_key_last_four=api_key.last_four if api_key is not None else "",
        object_type=target._meta.model_name if target is not None else "",
        object_id=target.pk if target is not None else None,
        object_name=one_line(target_name)[:255],
        detail={key: one_line(value) if isinstance(value, str) else value for key, value in detail.items()},
        address=facts.address,
        route=facts.route[:255],
        request_id=facts.request_id,
    )


def one_line(text: str) -> str:
    """Replace what `clean_line` would refuse, so that no text can forge a line (A4)."""
    return "".join("\N{REPLACEMENT CHARACTER}" if can_forge(character) else character for character in text)
