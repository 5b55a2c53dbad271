"""The admin: who may do what, what it never shows, and what it leaves in the trail (D19, D33, P3, A1, A3)."""

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.contrib.messages import get_messages
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts import secrets
from accounts.audit import Event, record
from accounts.models import AuditEvent, Plan, User
from integrations.models import IdempotencyKey, RejectedCut, RejectedFormat, RejectedRecord
from tests.factories import (
    make_access_token,
    make_account,
    make_api_key,
    make_integration,
    make_member,
    make_user,
)

pytestmark = pytest.mark.django_db
MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)
NAMES = [model._meta.label_lower for model in MODELS]
READ_BY_SUPPORT = {
    "accounts.account", "accounts.apikey", "accounts.apikeyclient", "accounts.apikeyrefusal", "accounts.auditevent",
    "accounts.invitation", "accounts.membership", "accounts.plan", "accounts.task", "accounts.user",
    "integrations.accesstoken", "integrations.accesstokenrefusal", "integrations.batch",
    "integrations.batchtable", "integrations.dailyrows", "integrations.delivery", "integrations.destination",
    "integrations.freeweek", "integrations.hook",
    "integrations.integration", "integrations.load", "integrations.loadedtable", "integrations.queuedtable",
    "integrations.receivedrequest", "integrations.requestday",
    "integrations.notification", "integrations.notificationaddress", "integrations.notificationcontent",
    "integrations.job", "integrations.selectiondraft",
    "integrations.stream", "integrations.schemachange", "integrations.sourcestate",
}  # fmt: skip
CHANGED_BY = {
    "Support": set(),
    "Operators": {"accounts.account", "accounts.plan"},
    "superuser": {"accounts.account", "accounts.plan", "accounts.user"},
}


def staff_person(role):
    if role == "superuser":
        return make_user(is_staff=True, is_superuser=True)
    person = make_user(is_staff=True)
    person.groups.add(Group.objects.get(name=role))
    return person


@pytest.fixture
def account(db):
    account = make_account()
    make_member(account, email="owner@example.com")
    return account


def list_url(model):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def change_url(row):
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


def test_D19_every_model_of_the_product_has_its_page():
    own = {model for app in ("accounts", "integrations") for model in apps.get_app_config(app).get_models()}
    digests_alone = {IdempotencyKey}  # two digests and a receipt, which the batch's page shows
    customers_data = {RejectedRecord, RejectedFormat, RejectedCut}  # D33: never in the admin
    assert own - set(MODELS) == digests_alone | customers_data
    assert {model._meta.label_lower for model in MODELS} - {m._meta.label_lower for m in own} == {
        "auth.group"
    }


@pytest.mark.parametrize("model", MODELS, ids=NAMES)
@pytest.mark.parametrize("role", CHANGED_BY)
def test_D19_rights_of_the_groups(client, db, role, model):
    client.force_login(staff_person(role))
    label = model._meta.label_lower
    reads = role == "superuser" or label in READ_BY_SUPPORT
    assert client.get(list_url(model)).status_code == (200 if reads else 403)
    may_add = role != "Support" and label == "accounts.plan"
    add = client.get(f"{list_url(model)}add/")
    assert add.status_code == (200 if may_add else 403)
    request = add.wsgi_request
    model_admin = admin.site._registry[model]
    assert model_admin.has_change_permission(request) == (label in CHANGED_BY[role])
    assert not model_admin.has_delete_permission(request)


@pytest.mark.parametrize("model", MODELS, ids=NAMES)
def test_D33_no_page_has_a_column_that_could_hold_a_secret(model):
    model_admin = admin.site._registry[model]
    shown = set(model_admin.fields) | set(model_admin.list_display)
    assert not shown & {
        "digest",
        "nonce",
        "password",
        "form_id",
        "checksum",
        "segment",
        "error",
        "lease",
        "data",
        "pointer",
    }


@pytest.mark.parametrize(
    ("model", "word"),
    [
        ("apikey", "LAST_FOUR"),
        ("apikey", "owner@example.com"),
        ("apikey", "CLIENT_ID"),
        ("account", "owner@example.com"),
        ("account", "CLIENT_ID"),
        ("membership", "owner@example.com"),
        ("user", "CLIENT_ID"),
        ("auditevent", "CLIENT_ID"),
    ],
)
def test_staff_find_by_last_four_by_email_and_by_client_id(client, account, model, word):
    key, _ = make_api_key(account)
    other = make_account(client_id=account.client_id % 900_000 + 100_001)
    make_member(other)
    make_api_key(other)
    for owner in (account, other):
        record(Event.COMPANY_UPDATED, account=owner, actor=None, target=owner)
    word = word.replace("LAST_FOUR", key.last_four).replace("CLIENT_ID", str(account.client_id))
    client.force_login(staff_person("Support"))
    response = client.get(f"/admin/accounts/{model}/", {"q": word})
    assert response.context["cl"].result_count == 1


def test_support_disables_a_key_with_a_reason_that_members_read(client, account):
    key, _ = make_api_key(account, description="Nightly")
    support = staff_person("Support")
    client.force_login(support)
    choice = {"action": "disable", "_selected_action": [key.pk]}
    asked = client.post("/admin/accounts/apikey/", choice)
    assert asked.status_code == 200
    assert "“Nightly”" in asked.content.decode()
    key.refresh_from_db()
    assert key.is_enabled
    assert client.post("/admin/accounts/apikey/", choice | {"reason": " "}).status_code == 422
    assert client.post("/admin/accounts/apikey/", choice | {"reason": "Leaked"}).status_code == 302
    key.refresh_from_db()
    assert not key.is_enabled
    event = account.audit_events.get()
    assert (event.event, event.by_staff, event.actor, event.detail["reason"]) == (
        Event.API_KEY_DISABLED,
        True,
        support,
        "Leaked",
    )
    client.force_login(account.memberships.get().user)
    assert "Leaked" in client.get(reverse("accounts:audit", args=[account.client_id])).content.decode()


def test_support_revokes_a_token_with_a_reason(client, account):
    token, _ = make_access_token(make_integration(account))
    client.force_login(staff_person("Support"))
    choice = {"action": "revoke", "_selected_action": [token.pk]}
    assert client.post("/admin/integrations/accesstoken/", choice).status_code == 200
    assert client.post("/admin/integrations/accesstoken/", choice | {"reason": "Leaked"}).status_code == 302
    token.refresh_from_db()
    assert token.revoked_at is not None
    event = account.audit_events.get()
    assert (event.event, event.by_staff, event.detail["reason"]) == (
        Event.ACCESS_TOKEN_REVOKED,
        True,
        "Leaked",
    )
    again = client.post("/admin/integrations/accesstoken/", choice | {"reason": "Again"}, follow=True)
    assert "Nothing to do" in again.content.decode()


def test_without_its_permission_an_action_is_not_there(client, account):
    key, _ = make_api_key(account)
    person = staff_person("Support")
    person.groups.clear()
    person.user_permissions.add(Permission.objects.get(codename="view_apikey"))
    client.force_login(person)
    client.post(
        "/admin/accounts/apikey/",
        {"action": "disable", "_selected_action": [key.pk], "reason": "x"},
    )
    key.refresh_from_db()
    assert key.is_enabled


def account_form(account, **changes):
    return {"company_name": account.company_name, "plan": account.plan_id} | changes


def test_operators_change_a_plan_and_the_keys_stop_with_it(client, account):
    key, _ = make_api_key(account)
    client.force_login(staff_person("Operators"))
    standard = Plan.objects.get(slug="standard")
    unexplained = client.post(change_url(account), account_form(account, plan=standard.pk))
    assert "Say why the plan changes." in unexplained.content.decode()
    reason = "They asked for it by phone"
    response = client.post(change_url(account), account_form(account, plan=standard.pk, reason=reason))
    assert response.status_code == 302
    said = [str(message) for message in get_messages(response.wsgi_request)]
    assert "1 API access key was disabled." in said
    assert account.audit_events.get(event=Event.PLAN_CHANGED).detail["reason"] == reason
    account.refresh_from_db()
    key.refresh_from_db()
    assert (account.plan, key.is_enabled) == (standard, False)
    assert set(account.audit_events.values_list("event", "by_staff")) == {
        (Event.PLAN_CHANGED.value, True),
        (Event.API_KEY_DISABLED.value, True),
    }


def test_D19_operators_hold_an_account_and_lift_it_with_a_reason_that_members_read(client, account):
    client.force_login(staff_person("Operators"))
    page = "/admin/accounts/account/"
    asked = {"action": "place_hold", "_selected_action": [account.pk]}
    assert "Nothing is loaded for them until the hold is lifted" in client.post(page, asked).content.decode()
    account.refresh_from_db()
    assert not account.is_on_hold
    client.post(page, asked | {"reason": "Unpaid since May"})
    account.refresh_from_db()
    assert (account.is_on_hold, account.staff_hold_reason) == (True, "Unpaid since May")
    client.post(page, {"action": "lift_hold", "_selected_action": [account.pk], "reason": "Paid"})
    account.refresh_from_db()
    assert not account.is_on_hold
    events = account.audit_events.order_by("pk").values_list("event", "by_staff", "detail__reason")
    assert list(events) == [
        ("account.hold_placed", True, "Unpaid since May"),
        ("account.hold_lifted", True, "Paid"),
    ]


def test_D19_support_holds_no_account(client, account):
    client.force_login(staff_person("Support"))
    asked = {"action": "place_hold", "_selected_action": [account.pk], "reason": "x"}
    client.post("/admin/accounts/account/", asked)
    account.refresh_from_db()
    assert not account.is_on_hold
    assert client.get(change_url(account)).status_code == 200


def test_operators_mend_a_company_name(client, account):
    client.force_login(staff_person("Operators"))
    client.post(change_url(account), account_form(account, company_name="Acme"))
    account.refresh_from_db()
    assert account.company_name == "Acme"
    assert account.audit_events.get().by_staff


def test_support_cannot_change_an_account(client, account):
    client.force_login(staff_person("Support"))
    assert client.post(change_url(account), account_form(account, company_name="Acme")).status_code == 403


def plan_form(plan, **changes):
    terms = {field.name: getattr(plan, field.name) for field in Plan._meta.fields if field.name != "id"}
    return {name: value for name, value in (terms | changes).items() if value not in (None, False)}


def test_P8_a_plan_that_loses_api_access_disables_the_keys_of_its_accounts(client, account):
    key, _ = make_api_key(account)
    untouched = make_account(plan="premium")
    make_member(untouched)
    other, _ = make_api_key(untouched)
    client.force_login(staff_person("Operators"))
    plan = account.plan
    assert client.post(change_url(plan), plan_form(plan, api_access=False)).status_code == 302
    plan.refresh_from_db()
    key.refresh_from_db()
    other.refresh_from_db()
    assert (plan.api_access, key.is_enabled, other.is_enabled) == (False, False, True)
    event = AuditEvent.objects.get(event=Event.STAFF_CHANGED)
    assert event.detail["changes"] == {"api_access": [True, False]}


def test_operators_add_a_plan(client, db):
    client.force_login(staff_person("Operators"))
    terms = plan_form(Plan.objects.get(slug="premium"), slug="own", name="Our own", position=90)
    assert client.post("/admin/accounts/plan/add/", terms).status_code == 302
    assert Plan.objects.get(slug="own").name == "Our own"
    assert AuditEvent.objects.get().detail == {"created": True}


def test_a_superuser_makes_somebody_staff_and_it_is_recorded(client, db):
    person = make_user()
    client.force_login(staff_person("superuser"))
    support = Group.objects.get(name="Support")
    response = client.post(change_url(person), {"is_staff": "on", "groups": [support.pk]})
    assert response.status_code == 302
    person = User.objects.get(pk=person.pk)
    assert person.is_staff
    assert list(person.groups.all()) == [support]
    event = AuditEvent.objects.get(event=Event.STAFF_CHANGED)
    assert (event.detail["before"], event.detail["after"]) == ("not staff", "staff: Support")


def test_A3_superusers_cannot_add_change_or_delete_an_event(client, account):
    event = record(Event.COMPANY_UPDATED, account=account, actor=None, target=account)
    client.force_login(staff_person("superuser"))
    assert client.get("/admin/accounts/auditevent/add/").status_code == 403
    assert client.post(change_url(event), {"event": "forged"}).status_code == 403
    assert client.post(f"/admin/accounts/auditevent/{event.pk}/delete/", {"post": "yes"}).status_code == 403
    client.post(
        "/admin/accounts/auditevent/",
        {"action": "delete_selected", "_selected_action": [event.pk], "post": "yes"},
    )
    assert AuditEvent.objects.get(pk=event.pk).event == Event.COMPANY_UPDATED


def test_staff_take_events_away_as_csv_without_formulas(client, account):
    record(Event.COMPANY_UPDATED, account=account, actor=None, target=account, target_name="=HYPERLINK(1)")
    client.force_login(staff_person("Support"))
    choice = {"action": "download", "_selected_action": list(AuditEvent.objects.values_list("pk", flat=True))}
    response = client.post("/admin/accounts/auditevent/", choice)
    text = b"".join(response.streaming_content).decode()
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert "'=HYPERLINK(1)" in text


def test_staff_narrow_the_trail_by_event(client, account):
    record(Event.COMPANY_UPDATED, account=account, actor=None, target=account)
    record(Event.PLAN_CHANGED, account=account, actor=None, target=account)
    client.force_login(staff_person("Support"))
    response = client.get("/admin/accounts/auditevent/", {"event": Event.PLAN_CHANGED.value})
    assert response.context["cl"].result_count == 1


def test_P3_no_admin_page_shows_a_secret_or_its_digest(client, account):
    """P3, and no inline script or style that the Content-Security-Policy would refuse."""
    key, key_secret = make_api_key(account, last_used_at=timezone.now())
    _, token_secret = make_access_token(make_integration(account))
    record(Event.API_KEY_CREATED, account=account, actor=None, target=key, target_name=key.description)
    client.force_login(staff_person("superuser"))
    pages = ["/admin/", *(list_url(model) for model in MODELS)]
    for model in MODELS:
        row = model._default_manager.first()
        if row is not None:
            pages.append(change_url(row))
    digests = [secrets.digest(secret) for secret in (key_secret, token_secret)]
    for page in pages:
        response = client.get(page)
        text = response.content.decode()
        assert response.status_code == 200, page
        for forbidden in (key_secret, token_secret, *(d.hex() for d in digests), *(str(d) for d in digests)):
            assert forbidden not in text, page
        assert account.memberships.get().user.password not in text
        assert " style=" not in text, page
        assert "<script>" not in text, page


@pytest.mark.parametrize("model", MODELS, ids=NAMES)
def test_a_list_costs_the_same_with_one_and_with_three_rows(client, model):
    client.force_login(staff_person("superuser"))
    counts = []
    for more in (1, 2):
        for _ in range(more):
            account = make_account()
            make_member(account)
            make_api_key(account)
            make_access_token(make_integration(account))
            record(Event.COMPANY_UPDATED, account=account, actor=make_user(), target=account)
        client.get(list_url(model))
        with CaptureQueriesContext(connection) as queries:
            client.get(list_url(model))
        counts.append(len(queries))
    assert counts[0] == counts[1]
