"""The Members tab through the client: the list, its menus, inviting, roles, coming back (app.md 8)."""

import re
import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Membership, Role, User
from accounts.services.task_work import drain
from accounts.views.member_rows import MEMBERS_A_PAGE
from tests.factories import make_account, make_invitation, make_member
from tests.mailbox import sent_mails
from tests.pages import Page

pytestmark = pytest.mark.django_db


def read(response) -> str:
    return " ".join(response.content.decode().split())


def rows(client, page, query=None):
    response = client.get(page("members"), query)
    assert response.status_code == 200
    return [[" ".join(cell.split()) for cell in row[:4]] for row in Page(response).rows[1:]]


def menus(client, page) -> list[str]:
    text = client.get(page("members")).content.decode()
    return re.findall(r'class="menu-item"[^>]*>\s*([^<]+?)\s*<', text.partition('id="member-list"')[2])


@pytest.fixture
def account():
    return make_account(company_name="Acme")


@pytest.fixture
def member(account):
    return make_member(account, first_name="Ada", last_name="Lovelace", email="ada@example.com")


def test_a_search_with_a_null_character_is_a_search_without_it(signed_in, page, member):
    assert [row[1] for row in rows(signed_in, page, {"q": "ada\0@example"})] == [member.email]


def test_an_address_that_grows_in_lower_case_is_measured_as_it_is_kept(signed_in, page):
    grows = "a@" + ".".join(["\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}" * 25] * 6) + ".example.com"
    typed = {"email": grows, "role": "general_user", "form_id": str(uuid.uuid4())}
    assert len(grows) < 254 < len(grows.lower())
    refused = signed_in.post(page("member-invite"), typed)
    assert refused.status_code == 422
    assert "at most 254 characters" in refused.content.decode()


def test_every_state_of_the_list(signed_in, page, account, member):
    now = timezone.now()
    grace = make_member(
        account, role=Role.GENERAL_USER, first_name="Grace", last_name="Hopper", email="grace@example.com"
    )
    grace.memberships.update(invoice_admin=True)
    left = make_member(account, first_name="Blaise", last_name="Pascal", email="blaise@example.com")
    left.memberships.update(deactivated_at=now)
    make_invitation(account, email="new@example.com", invited_by=member)
    make_invitation(account, email="old@example.com", invited_by=member, expires_at=now)
    make_invitation(account, email="done@example.com", invited_by=member, accepted_at=now)
    make_invitation(account, email="gone@example.com", invited_by=member, cancelled_at=now)
    found = rows(signed_in, page)
    assert [row[1] for row in found] == [
        "ada@example.com",
        "grace@example.com",
        "new@example.com",
        "old@example.com",
        "blaise@example.com",
    ]
    assert [row[3].split()[0] for row in found] == ["Active", "Active", "Pending", "Expired", "Deactivated"]
    assert found[0][0] == "Ada Lovelace You Last Administrator"
    assert found[1][0] == "Grace Hopper Invoice Admin"
    assert found[2][0] == "Invited Invited by Ada Lovelace (ada@example.com)"


def test_the_menus_of_an_administrator(signed_in, page, account, member):
    make_member(account, role=Role.GENERAL_USER)
    make_member(account).memberships.update(deactivated_at=timezone.now())
    make_invitation(account)
    assert menus(signed_in, page) == [
        "Administrator", "General User", "Deactivate",
        "Administrator", "General User", "Resend Invitation", "Copy Link", "Cancel Invitation",
        "Reactivate",
    ]  # fmt: skip


def test_a_second_administrator_frees_the_first(signed_in, page, account, member):
    make_member(account)
    assert menus(signed_in, page).count("General User") == 2
    assert menus(signed_in, page).count("Deactivate") == 1  # nobody deactivates themselves


def test_P11_a_general_user_sees_the_list_and_no_control(client, page, account, member):
    make_invitation(account)
    client.force_login(make_member(account, role=Role.GENERAL_USER))
    assert len(rows(client, page)) == 3
    assert menus(client, page) == []
    assert "Add a Team Member" not in client.get(page("members")).content.decode()


def test_search_by_name_and_address(signed_in, page, account, member):
    make_member(account, first_name="Grace", last_name="Hopper", email="rear.admiral@example.com")
    make_invitation(account, email="hopeful@example.com")
    assert [row[1] for row in rows(signed_in, page, {"q": "hop"})] == [
        "rear.admiral@example.com",
        "hopeful@example.com",
    ]
    assert [row[1] for row in rows(signed_in, page, {"q": "  Grace  HOPPER "})] == [
        "rear.admiral@example.com"
    ]
    assert rows(signed_in, page, {"q": "nobody"}) == []
    assert "Nobody here has this name or address." in read(signed_in.get(page("members"), {"q": "nobody"}))


def test_a_panel_is_the_list_alone(signed_in, page, member):
    panel = signed_in.get(page("members"), headers={"HX-Request": "true"}).content.decode()
    assert panel.strip().startswith('<div id="member-list">')


def test_five_hundred_members_cost_as_many_queries_as_three(signed_in, page, account, member):
    counts = []
    for more in (2, 497):
        people = make_people(more)
        Membership.objects.bulk_create(Membership(account=account, user=person) for person in people)
        make_invitation(account)
        signed_in.get(page("members"))
        with CaptureQueriesContext(connection) as queries:
            assert len(rows(signed_in, page)) == min(MEMBERS_A_PAGE, more + 2)
        counts.append(len(queries))
    assert counts[1] <= counts[0]
    assert len(rows(signed_in, page, {"page": "10"})) == MEMBERS_A_PAGE
    assert len(rows(signed_in, page, {"page": "11"})) == 2


def make_people(count):
    return User.objects.bulk_create(
        User(email=f"one.of{count}.{number}@example.com", first_name="One", last_name="OfMany")
        for number in range(count)
    )


def test_inviting(signed_in, page, account, member):
    form = Page(signed_in.get(page("member-invite"))).forms[-1].fields
    sent = {"email": "New@Example.com", "role": "general_user", "form_id": form["form_id"]}
    for _ in range(2):
        response = signed_in.post(page("member-invite"), sent)
        assert response.url == page("members")
    invitation = account.invitations.get()
    assert (invitation.email, invitation.role) == ("new@example.com", Role.GENERAL_USER)
    assert len(sent_mails()) == 1
    assert "An invitation is on its way to new@example.com" in read(signed_in.get(page("members")))


def test_row25_the_form_proposes_a_general_user(signed_in, page, member):
    assert '<option value="general_user" selected>' in signed_in.get(page("member-invite")).content.decode()


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"email": "", "role": "general_user"}, "This field is required"),
        ({"email": "not an address", "role": "general_user"}, "Enter a valid email address."),
        ({"email": "a@example.com", "role": "emperor"}, "not one of the available choices"),
        (
            {"email": "a@example.com\r\nBcc: b@example.com", "role": "general_user"},
            "Enter a valid email address.",
        ),
        ({"email": "ADA@example.com", "role": "general_user"}, "already associated with an active user"),
        ({"email": "x" * 250 + "@example.com", "role": "general_user"}, "at most 254 characters"),
    ],
)
def test_bad_invitations_come_back_with_what_is_wrong(signed_in, page, account, member, sent, words):
    response = signed_in.post(
        page("member-invite"), sent | {"form_id": "6b0c9f3e-65a8-4a36-9f43-000000000001"}
    )
    assert response.status_code == 422
    assert words in read(response)
    assert not account.invitations.exists()
    assert sent_mails() == []


def test_at_the_limit_the_button_is_off_with_the_reason_and_the_server_refuses(client):
    account = make_account(plan="standard")
    client.force_login(make_member(account))
    for _ in range(3):
        make_member(account)
    make_invitation(account)
    members = f"/client/{account.client_id}/account/members"
    text = read(client.get(members))
    assert re.search(
        r'<button[^>]*aria-describedby="why-no-member" disabled>Add a Team Member</button>', text
    )
    assert "Your plan has 5 team members; this account has 4 active and 1 pending." in text
    form_id = "6b0c9f3e-65a8-4a36-9f43-000000000001"
    response = client.post(
        f"{members}/new", {"email": "a@example.com", "role": "general_user", "form_id": form_id}
    )
    assert response.status_code == 422
    assert "Your plan has 5 team members" in read(response)
    assert account.invitations.count() == 1


def test_a_role_is_chosen_in_the_row_s_menu(signed_in, page, account, member):
    grace = make_member(account, role=Role.GENERAL_USER).memberships.get()
    url = page("member-role", membership_id=grace.pk)
    assert (
        signed_in.post(f"{url}?q=hop&page=2", {"role": "administrator"}).url
        == f"{page('members')}?q=hop&page=2"
    )
    grace.refresh_from_db()
    assert grace.role == Role.ADMINISTRATOR
    signed_in.post(url, {"role": "emperor"})
    assert "There is no such role." in read(signed_in.get(page("members")))
    grace.refresh_from_db()
    assert grace.role == Role.ADMINISTRATOR


def test_the_last_administrator_stays_one(signed_in, page, account, member):
    own = member.memberships.get()
    signed_in.post(page("member-role", membership_id=own.pk), {"role": "general_user"})
    assert "An account needs an Administrator." in read(signed_in.get(page("members")))
    own.refresh_from_db()
    assert own.role == Role.ADMINISTRATOR


def test_who_gave_their_role_away_may_no_longer_give_any(signed_in, page, account, member):
    second = make_member(account).memberships.get()
    signed_in.post(page("member-role", membership_id=member.memberships.get().pk), {"role": "general_user"})
    again = signed_in.post(page("member-role", membership_id=second.pk), {"role": "general_user"})
    assert again.status_code == 403
    second.refresh_from_db()
    assert second.role == Role.ADMINISTRATOR


def test_row27_reactivating(signed_in, page, account, member):
    left = make_member(account).memberships.get()
    account.memberships.filter(pk=left.pk).update(deactivated_at=timezone.now())
    signed_in.post(page("member-reactivate", membership_id=left.pk))
    left.refresh_from_db()
    assert left.deactivated_at is None
    assert "is active again. Their API access keys stay disabled" in read(signed_in.get(page("members")))


def test_resending_copying_and_cancelling(signed_in, page, account, member):
    invitation = make_invitation(account, email="new@example.com")
    named = {"invitation_id": invitation.pk}
    before = link_shown(signed_in, page, named)
    assert Client().get(before, follow=True).status_code == 200
    signed_in.post(page("invitation-resend", **named))
    assert Client().get(before, follow=True).status_code == 404
    after = link_shown(signed_in, page, named)
    assert after != before
    assert sent_mails()[0].to == ["new@example.com"]
    assert after not in sent_mails()[0].body  # the mailed link proves the mailbox, the copied one does not
    asked = read(signed_in.get(page("invitation-cancel", **named)))
    assert "stops working at once" in asked
    assert account.invitations.open().exists()
    signed_in.post(page("invitation-cancel", **named))
    assert not account.invitations.open().exists()
    assert Client().get(after, follow=True).status_code == 404
    assert signed_in.get(page("invitation-link", **named)).status_code == 404


def link_shown(client, page, named) -> str:
    response = client.get(page("invitation-link", **named))
    assert "no-store" in response["Cache-Control"]
    return re.search(r'value="(http://testserver/invitation/[^"]+)"', response.content.decode())[1]


def test_an_expired_invitation_has_no_link_to_copy(signed_in, page, account, member):
    invitation = make_invitation(account, expires_at=timezone.now() - timedelta(days=1))
    text = read(signed_in.get(page("invitation-link", invitation_id=invitation.pk)))
    assert "/invitation/" not in text.replace("/invitations/", "")
    assert "Choose Resend Invitation" in text


def test_the_role_of_an_invitation(signed_in, page, account, member):
    invitation = make_invitation(account)
    url = page("invitation-role", invitation_id=invitation.pk)
    signed_in.post(url, {"role": "administrator"})
    invitation.refresh_from_db()
    assert invitation.role == Role.ADMINISTRATOR
    signed_in.post(url, {"role": "emperor"})
    invitation.refresh_from_db()
    assert invitation.role == Role.ADMINISTRATOR


def test_a_mail_that_does_not_arrive_is_told_in_its_row(signed_in, page, account, member, settings):
    signed_in.post(
        page("member-invite"),
        {
            "email": "new@example.com",
            "role": "general_user",
            "form_id": "6b0c9f3e-65a8-4a36-9f43-000000000001",
        },
    )
    assert "The mail" not in read(signed_in.get(page("members")))
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1  # nobody listens there
    drain()
    text = read(signed_in.get(page("members")))
    assert (
        "The mail has not arrived yet: The mail server could not be used: Connection refused. Next try"
        in text
    )
    account.tasks.update(failed_at=timezone.now())
    text = read(signed_in.get(page("members")))
    assert (
        "The mail was given up: The mail server could not be used: Connection refused. Copy the link" in text
    )
