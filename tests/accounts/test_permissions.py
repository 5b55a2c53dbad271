"""The permission table of app.md 14.2 (with rows 22 to 24 of section 17), written down once more and compared."""

import pytest

from accounts.access import GRANTS, Can
from accounts.models import Role

A, G = Role.ADMINISTRATOR, Role.GENERAL_USER
# An Invoice Admin is a member of either role with a mark, so it has no column of its own.
PUBLISHED = {
    Can.VIEW_ACCOUNT: {A, G},
    Can.MODIFY_COMPANY: {A, G},
    Can.ENABLE_SSO: {A},
    Can.MANAGE_SSO: {A},
    Can.MANAGE_PAYMENT: {A, G},
    Can.MANAGE_PLAN: {A, G},
    Can.VIEW_INVOICES: {A, G},
    Can.CANCEL_ACCOUNT: {A, G},
    Can.INVITE_MEMBERS: {A},
    Can.DEACTIVATE_MEMBERS: {A},
    Can.REACTIVATE_MEMBERS: {A},
    Can.CHANGE_ROLES: {A},
    Can.MANAGE_API_KEYS: {A, G},
    Can.MANAGE_PARTNER_KEYS: {A, G},
    Can.DISMISS_NOTIFICATIONS: {A, G},
    Can.MANAGE_NOTIFICATIONS: {A, G},
    Can.MANAGE_HOOKS: {A, G},
    Can.MANAGE_DESTINATIONS: {A, G},
    Can.ADD_INTEGRATIONS: {A, G},
    Can.MODIFY_INTEGRATIONS: {A, G},
    Can.PAUSE_INTEGRATIONS: {A, G},
    Can.DELETE_INTEGRATIONS: {A, G},
    Can.MANAGE_SELECTION: {A, G},
    Can.MANAGE_SCHEDULES: {A, G},
    Can.MANAGE_EXTRACTIONS: {A, G},
    Can.VIEW_EXTRACTION_LOGS: {A, G},
    Can.VIEW_LOADS: {A, G},
}


@pytest.mark.parametrize("permission", PUBLISHED, ids=lambda permission: permission.name)
def test_a_permission_is_granted_as_published(permission):
    assert {role for role in Role if permission in GRANTS[role]} == PUBLISHED[permission]
