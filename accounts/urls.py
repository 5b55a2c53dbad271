"""Pages of people, accounts, plans and keys."""

from django.urls import path

from accounts.views import account_settings, api_keys, audit, billing, home, session

ACCOUNT = "client/<int:client_id>/account"

app_name = "accounts"
urlpatterns = [
    path("", home.home, name="home"),
    path("session/create", session.sign_in, name="sign-in"),
    path("session/end", session.sign_out, name="sign-out"),
    path("session/confirm", session.session_confirm, name="session-confirm"),
    path(f"{ACCOUNT}/settings", account_settings.account_settings, name="account-settings"),
    path(f"{ACCOUNT}/settings/company", account_settings.company_update, name="company-update"),
    path(f"{ACCOUNT}/api-keys/new", api_keys.api_key_create, name="api-key-create"),
    path(f"{ACCOUNT}/api-keys/<int:api_key_id>/disable", api_keys.api_key_disable, name="api-key-disable"),
    path(f"{ACCOUNT}/api-keys/<int:api_key_id>/enable", api_keys.api_key_enable, name="api-key-enable"),
    path(f"{ACCOUNT}/api-keys/<int:api_key_id>/delete", api_keys.api_key_delete, name="api-key-delete"),
    path(f"{ACCOUNT}/audit", audit.audit, name="audit"),
    path(f"{ACCOUNT}/audit.csv", audit.audit_export, name="audit-export"),
    path(f"{ACCOUNT}/billing", billing.billing, name="billing"),
    path(f"{ACCOUNT}/plans", billing.plan_list, name="plan-list"),
    path(f"{ACCOUNT}/plans/<slug:plan_slug>", billing.plan_change, name="plan-change"),
]
