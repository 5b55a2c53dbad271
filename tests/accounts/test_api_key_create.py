"""Configure Your API Access Key, and the page that shows the key this once (app.md 6.4)."""

import uuid
from datetime import timedelta

import pytest
from django.contrib.messages import get_messages
from django.utils import timezone

from accounts import secrets
from accounts.models import MAX_API_KEYS, ApiKey, Role
from tests.factories import make_account, make_api_key, make_member
from tests.pages import Page

pytestmark = pytest.mark.django_db
LIMIT = "This account has reached 10 API access keys. Delete one to generate another."


def sent(**fields):
    return {"description": "Salesforce", "form_id": str(uuid.uuid4())} | fields


def secret_of(response):
    return next(
        part for part in response.content.decode().split('"') if part.startswith(secrets.API_KEY_PREFIX)
    )


def test_K17_K18_the_page_asks_for_a_description(signed_in, page):
    shown = Page(signed_in.get(page("api-key-create")))
    assert "Configure Your API Access Key" in shown.words
    assert "Key Description" in shown.words
    assert "Used to create and configure Salesforce integrations" in shown.words
    assert "Save and Generate Key" in shown.buttons
    assert shown.links["Cancel"] == page("account-settings")
    assert set(shown.form(page("api-key-create")).fields) == {"csrfmiddlewaretoken", "description", "form_id"}


def test_K19_K20_K21_K22_the_key_is_shown_with_a_copy_button(signed_in, page, account, member):
    response = signed_in.post(page("api-key-create"), sent(description="Salesforce"))
    assert response.status_code == 200
    shown, secret = Page(response), secret_of(response)
    key = ApiKey.objects.get()
    assert bytes(key.digest) == secrets.digest(secret)
    assert (key.account, key.created_by, key.description) == (account, member, "Salesforce")
    assert "Generated API Access Key" in shown.words
    assert "Your Stitch API Access Key" in shown.words
    assert "You won't be able to recover this key." in shown.words
    assert b'data-copy="#secret"' in response.content
    assert shown.links["Close and Continue"] == page("account-settings")


def test_P5_the_answer_with_the_secret_is_kept_nowhere(signed_in, page):
    response = signed_in.post(page("api-key-create"), sent())
    assert "no-store" in response["Cache-Control"]
    assert response.content.decode().count(secret_of(response)) == 1


def test_K05_P5_neither_reload_nor_back_shows_it_again(signed_in, page):
    fields = sent()
    secret = secret_of(signed_in.post(page("api-key-create"), fields))

    again = signed_in.post(page("api-key-create"), fields)
    assert again.status_code == 302
    assert again.url == page("account-settings")
    assert [str(message) for message in get_messages(again.wsgi_request)] == [
        "That API access key was already generated. It was shown once and is not shown again: if you did not "
        "copy it, delete the key and generate another."
    ]
    assert ApiKey.objects.count() == 1
    for name in ("api-key-create", "account-settings", "audit", "audit-export", "billing"):
        response = signed_in.get(page(name))
        content = b"".join(response) if response.streaming else response.content
        assert secret not in content.decode()


def test_K06_K24_a_lost_key_is_deleted_and_replaced(signed_in, page, account):
    key, _ = make_api_key(account)
    signed_in.post(page("api-key-delete", api_key_id=key.pk))
    signed_in.post(page("api-key-create"), sent(description="Replacement"))
    assert ApiKey.objects.get().description == "Replacement"


@pytest.mark.parametrize(
    ("description", "told"),
    [
        ("", "This field is required"),
        ("   ", "This field is required"),
        ("x" * 256, "Use at most 255 characters. This text has 256."),
        ("a\nb", "Use one line of text without control characters."),
        ("a\x00b", "Null characters are not allowed."),
    ],
)
def test_K18_A4_descriptions_that_are_refused(signed_in, page, description, told):
    response = signed_in.post(page("api-key-create"), sent(description=description))
    assert response.status_code == 422
    assert told in Page(response).words
    assert not ApiKey.objects.exists()


def test_K18_what_was_typed_survives_a_refusal(signed_in, page):
    fields = sent(description="x" * 256)
    shown = Page(signed_in.post(page("api-key-create"), fields))
    assert shown.form(page("api-key-create")).fields["description"] == "x" * 256
    assert shown.form(page("api-key-create")).fields["form_id"] == fields["form_id"]


@pytest.mark.parametrize("form_id", ["", "no-uuid"])
def test_a_form_without_its_id_is_refused(signed_in, page, form_id):
    response = signed_in.post(page("api-key-create"), sent(form_id=form_id))
    assert response.status_code == 422
    assert "This form was not complete. Open it again." in Page(response).words
    assert not ApiKey.objects.exists()


def test_A4_markup_in_a_description_is_text(signed_in, page):
    signed_in.post(page("api-key-create"), sent(description="<script>alert(1)</script>"))
    assert b"<script>alert" not in signed_in.get(page("account-settings")).content


def test_K07_K08_at_ten_keys_page_and_post_say_so(signed_in, page, account):
    for number in range(MAX_API_KEYS):
        make_api_key(account, disabled_at=timezone.now() if number % 2 else None)
    opened = Page(signed_in.get(page("api-key-create")))
    assert LIMIT in opened.words
    assert "Save and Generate Key" not in opened.buttons
    response = signed_in.post(page("api-key-create"), sent())
    assert response.status_code == 422
    assert LIMIT in Page(response).words
    assert ApiKey.objects.count() == MAX_API_KEYS


def test_K12_a_plan_without_api_access_is_refused_with_the_plans_named(client):
    account = make_account(plan="standard")
    client.force_login(make_member(account))
    address = f"/client/{account.client_id}/account/api-keys/new"
    for response in (client.get(address), client.post(address, sent())):
        assert response.status_code == 403
        assert "API access comes with the Advanced and Premium plans" in Page(response).words
    assert not ApiKey.objects.exists()


@pytest.mark.parametrize("role", [Role.ADMINISTRATOR, Role.GENERAL_USER])
@pytest.mark.parametrize("invoice_admin", [False, True])
def test_K09_every_role_may_create(client, account, page, role, invoice_admin):
    person = make_member(account, role=role)
    person.memberships.update(invoice_admin=invoice_admin)
    client.force_login(person)
    assert client.post(page("api-key-create"), sent()).status_code == 200
    assert ApiKey.objects.get().created_by == person


def test_P12_an_old_sign_in_is_asked_for_the_password_and_keeps_what_was_typed(signed_in, page, settings):
    settings.FRESH_SIGN_IN_SECONDS = -1
    opened = signed_in.get(page("api-key-create"))
    assert opened.status_code == 302
    assert opened.url.startswith("/session/confirm?")
    response = signed_in.post(page("api-key-create"), sent(description="Typed before"))
    assert response.status_code == 422
    assert "Typed before" in response.content.decode()
    assert not ApiKey.objects.exists()


def test_K12_the_end_of_the_trial_closes_the_page(client):
    account = make_account(plan="free_trial", trial_started_at=timezone.now() - timedelta(days=14, seconds=1))
    client.force_login(make_member(account))
    assert client.get(f"/client/{account.client_id}/account/api-keys/new").status_code == 403


def test_panel_alone_for_htmx(signed_in, page):
    response = signed_in.get(page("api-key-create"), headers={"HX-Request": "true"})
    assert response.content.decode().strip().startswith('<form id="api-key-form"')
