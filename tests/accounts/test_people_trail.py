"""A1: what happens to people is in the trail, in the same transaction; generated over every changing service."""

import pytest
from django.utils import timezone

from accounts.models import ApiKey, AuditEvent, Invitation, Membership, Role, Task, User
from accounts.services.accepting import accept_as_new_person, accept_invitation
from accounts.services.invitation_links import code_to_mail
from accounts.services.invitations import (
    cancel_invitation,
    change_invited_role,
    invite_member,
    resend_invitation,
)
from accounts.services.leavers import Delete, Keep, deactivate_member
from accounts.services.members import change_role, reactivate_member
from accounts.services.sign_up import open_another_account
from tests.factories import make_account, make_api_key, make_invitation, make_member

pytestmark = pytest.mark.django_db
SERVER = "https://stitch.example"


class Scene:
    """An account with somebody of each kind."""

    def __init__(self):
        self.account = make_account()
        self.admin, self.other = make_member(self.account), make_member(self.account)
        self.leaver = make_member(self.account, role=Role.GENERAL_USER)
        self.gone = make_member(self.account)
        self.gone.memberships.update(deactivated_at=timezone.now())
        self.keys = [make_api_key(self.account, self.leaver)[0] for _ in range(3)]
        self.stranger = make_member()
        self.invitation = make_invitation(self.account, invited_by=self.admin)
        self.for_stranger = make_invitation(self.account, invited_by=self.admin, email=self.stranger.email)

    def place(self, person):
        return Membership.objects.get(account=self.account, user=person)


def deactivate(scene):
    kept, deleted, _ = scene.keys
    choices = {kept.pk: Keep(scene.other), deleted.pk: Delete()}
    deactivate_member(membership=scene.place(scene.leaver), actor=scene.admin, server=SERVER, choices=choices)


CHANGES = {
    "invite": (
        lambda scene: invite_member(
            account=scene.account,
            actor=scene.admin,
            email="x@example.com",
            role=Role.GENERAL_USER,
            server=SERVER,
        ),
        ["invitation.sent"],
    ),
    "resend": (
        lambda scene: resend_invitation(invitation=scene.invitation, actor=scene.admin, server=SERVER),
        ["invitation.resent"],
    ),
    "cancel": (
        lambda scene: cancel_invitation(invitation=scene.invitation, actor=scene.admin),
        ["invitation.cancelled"],
    ),
    "role of an invitation": (
        lambda scene: change_invited_role(
            invitation=scene.invitation, actor=scene.admin, role=Role.ADMINISTRATOR
        ),
        ["invitation.role_changed"],
    ),
    "join as somebody new": (
        lambda scene: accept_as_new_person(
            code=code_to_mail(scene.invitation),
            first_name="New",
            last_name="Comer",
            password="a long enough passphrase",
            form_id="1",
        ),
        ["member.joined", "invitation.accepted", "user.email_confirmed"],
    ),
    "join with a sign-in": (
        lambda scene: accept_invitation(code=code_to_mail(scene.for_stranger), person=scene.stranger),
        ["member.joined", "invitation.accepted", "user.email_confirmed"],
    ),
    "role": (
        lambda scene: change_role(
            membership=scene.place(scene.leaver), actor=scene.admin, role=Role.ADMINISTRATOR, server=SERVER
        ),
        ["member.role_changed"],
    ),
    "deactivate": (
        deactivate,
        ["member.deactivated", "api_key.disabled", "api_key.deleted", "api_key.handed_over"],
    ),
    "leave": (
        lambda scene: deactivate_member(
            membership=scene.place(scene.other), actor=scene.other, server=SERVER, leaving=True
        ),
        ["member.left"],
    ),
    "reactivate": (
        lambda scene: reactivate_member(membership=scene.place(scene.gone), actor=scene.admin, server=SERVER),
        ["member.reactivated"],
    ),
    "another account": (
        lambda scene: open_another_account(
            person=scene.admin, company_name="Second", region="us", form_id="1"
        ),
        ["account.created", "member.joined"],
    ),
}
every_change = pytest.mark.parametrize(("change", "events"), CHANGES.values(), ids=CHANGES)


def stored() -> list:
    return [
        list(model.objects.order_by("pk").values()) for model in (User, Membership, Invitation, ApiKey, Task)
    ]


@every_change
def test_A1_every_change_to_people_leaves_one_event_for_each_object(change, events):
    scene = Scene()
    change(scene)
    found = AuditEvent.objects.exclude(account=scene.stranger.memberships.first().account)
    assert sorted(found.values_list("event", flat=True)) == sorted(events)


@every_change
def test_A1_what_is_not_recorded_does_not_happen(change, events, monkeypatch):
    scene = Scene()
    before = stored()

    def fail(*args, **kwargs):
        raise RuntimeError("the trail cannot be written")

    monkeypatch.setattr(AuditEvent, "save", fail)
    with pytest.raises(RuntimeError):
        change(scene)
    assert stored() == before
