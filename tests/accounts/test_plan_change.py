"""Change Your Plan: the list, what a change does, and the change (decision D7)."""

import pytest
from django.contrib.messages import get_messages
from django.utils import timezone

from accounts.models import Account, Plan, Role
from integrations.models import DailyRows
from tests.factories import make_account, make_api_key, make_integration, make_member
from tests.pages import Page

pytestmark = pytest.mark.django_db


def test_the_list_shows_plans_with_price_and_limits(signed_in, page):
    shown = Page(signed_in.get(page("plan-list")))
    assert "Standard From USD 100 a month Rows a month 5,000,000" in shown.words
    assert "Advanced From USD 1,250 a month Rows a month 100,000,000" in shown.words
    assert "Premium From USD 2,500 a month Rows a month 1,000,000,000" in shown.words
    assert "Your plan" in shown.words
    assert "Choose Advanced" not in shown.links
    assert shown.links["Choose Standard"] == page("plan-change", plan_slug="standard")
    assert "Free trial" not in shown.words


def test_the_trial_is_listed_for_who_has_it_and_never_chosen(client):
    account = make_account(plan="free_trial")
    client.force_login(make_member(account))
    plans = f"/client/{account.client_id}/account/plans"
    shown = Page(client.get(plans))
    assert "Free trial Free for 14 days" in shown.words
    assert "Choose Free trial" not in shown.links
    assert client.post(f"{plans}/free_trial").status_code == 404


def test_K13_the_question_names_the_keys_that_a_change_disables(signed_in, page, account, member):
    on, _ = make_api_key(account, member, description="Nightly export")
    make_api_key(account, disabled_at=timezone.now(), description="Already off")
    shown = Page(signed_in.get(page("plan-change", plan_slug="standard")))
    assert (
        f"This API access key will be disabled: {on.last_four} Nightly export ({member.email}, never used) "
        "Programs that use it are refused from then on. It stays listed, and disabled until somebody re-enables it "
        "on a plan with API access."
    ) in shown.words
    assert "Already off" not in shown.words
    assert "Team members: 5 instead of unlimited." in shown.words
    assert "Change to Standard" in shown.buttons
    assert Account.objects.get().plan.slug == "advanced"


def test_K13_more_keys_are_counted(signed_in, page, account):
    for _ in range(3):
        make_api_key(account)
    shown = Page(signed_in.get(page("plan-change", plan_slug="standard")))
    assert "These 3 API access keys will be disabled:" in shown.words


def test_an_upgrade_takes_nothing_away(signed_in, page, account):
    make_api_key(account)
    shown = Page(signed_in.get(page("plan-change", plan_slug="premium")))
    assert "Nothing that you have now is taken away." in shown.words
    assert "no key by itself" not in shown.words


def test_K13_P8_the_change_is_at_once(signed_in, page, account):
    make_api_key(account)
    make_api_key(account)
    response = signed_in.post(page("plan-change", plan_slug="standard"))
    assert response.url == page("billing")
    [message] = [str(message) for message in get_messages(response.wsgi_request)]
    assert message.startswith(
        "Your plan is now Standard. 2 API access keys were disabled. Reports from before "
    )
    assert Account.objects.get().plan.slug == "standard"
    assert not account.api_keys.enabled().exists()


def test_K14_back_on_a_plan_with_access_the_keys_stay_off(signed_in, page, account):
    key, _ = make_api_key(account)
    signed_in.post(page("plan-change", plan_slug="standard"))
    asked = Page(signed_in.get(page("plan-change", plan_slug="premium")))
    assert "no key by itself: 1 key stays disabled until somebody uses “Re-enable this key”" in asked.words
    signed_in.post(page("plan-change", plan_slug="premium"))
    shown = Page(signed_in.get(page("account-settings")))
    assert "Disabled" in shown.words
    signed_in.post(page("api-key-enable", api_key_id=key.pk))
    assert account.api_keys.enabled().count() == 1


@pytest.mark.parametrize("role", [Role.ADMINISTRATOR, Role.GENERAL_USER])
def test_D7_every_role_may_change_the_plan(client, account, page, role):
    client.force_login(make_member(account, role=role))
    client.post(page("plan-change", plan_slug="premium"))
    assert Account.objects.get().plan.slug == "premium"


def test_billing_can_be_kept_to_administrators(client, account, page, settings):
    settings.BILLING_FOR_ADMINISTRATORS = True
    make_member(account)
    client.force_login(make_member(account, role=Role.GENERAL_USER))
    assert client.post(page("plan-change", plan_slug="premium")).status_code == 403
    assert "Change Your Plan" not in Page(client.get(page("billing"))).links
    client.force_login(make_member(account, role=Role.ADMINISTRATOR))
    client.post(page("plan-change", plan_slug="premium"))
    assert Account.objects.get().plan.slug == "premium"


def test_an_unknown_plan_is_not_found(signed_in, page):
    assert signed_in.get(page("plan-change", plan_slug="unlimited")).status_code == 404


def test_D7_an_operator_can_switch_self_service_off(signed_in, page, settings):
    settings.PLAN_SELF_SERVICE = False
    assert signed_in.get(page("plan-list")).status_code == 403
    response = signed_in.post(page("plan-change", plan_slug="premium"))
    assert response.status_code == 403
    assert "Plans are set by the people who run this server." in Page(response).words
    assert Account.objects.get().plan.slug == "advanced"


def test_P8_what_changed_since_the_page_was_opened_is_shown_before_anything_happens(signed_in, page, account):
    make_api_key(account)
    address = page("plan-change", plan_slug="standard")
    asked = Page(signed_in.get(address))
    late, _ = make_api_key(account, description="Made meanwhile")
    response = signed_in.post(address, asked.form(address).fields)
    again = Page(response)
    assert response.status_code == 409
    assert "Something changed since this page was opened. Nothing was done yet" in again.words
    assert f"{late.last_four} Made meanwhile" in again.words
    assert Account.objects.get().plan.slug == "advanced"
    assert account.api_keys.enabled().count() == 2
    assert signed_in.post(address, again.form(address).fields).url == page("billing")
    assert not account.api_keys.enabled().exists()


def test_an_upgrade_says_what_comes(signed_in, page, account):
    account.plan = Plan.objects.get(slug="standard")
    account.save(update_fields=["plan"])
    shown = Page(signed_in.get(page("plan-change", plan_slug="premium")))
    assert "Premium has more: Rows a month: 1,000,000,000 instead of 5,000,000." in shown.words
    assert "API access keys: included." in shown.words


def test_members_beyond_the_limit_stay_and_the_page_says_so(signed_in, page, account):
    for _ in range(6):
        make_member(account)
    shown = Page(signed_in.get(page("plan-change", plan_slug="standard")))
    assert (
        "All 7 members stay, though Standard has room for 5: nobody can be invited until there are fewer."
    ) in shown.words


def test_rows_beyond_the_new_limit_are_told(signed_in, page, account, member):
    integration = make_integration(account)
    DailyRows.objects.create(
        account=account,
        integration=integration,
        table_name="orders",
        day=timezone.now().date(),
        rows=9_000_000,
        free_rows=1_000_000,
    )
    shown = Page(signed_in.get(page("plan-change", plan_slug="standard")))
    assert (
        "8,000,000 rows count in this usage cycle, and Standard has 5,000,000: the row limit is reached at once. "
        "Loading goes on."
    ) in shown.words


def test_leaving_a_running_trial_says_that_it_does_not_come_back(client):
    account = make_account(plan="free_trial")
    client.force_login(make_member(account))
    shown = Page(client.get(f"/client/{account.client_id}/account/plans/advanced"))
    assert "The free trial ends now, and cannot be chosen again." in shown.words


def test_htmx_gets_the_dialog_alone(signed_in, page):
    response = signed_in.get(page("plan-change", plan_slug="standard"), headers={"HX-Request": "true"})
    assert response.content.decode().strip().startswith("<dialog")
