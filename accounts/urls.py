"""Pages of people, accounts, plans and keys."""

from django.urls import path

from accounts.views import (
    account_settings,
    api_keys,
    audit,
    billing,
    email,
    home,
    invitations,
    joining,
    members,
    own_accounts,
    passkeys,
    password,
    profile,
    second_factor,
    second_step,
    security,
    session,
    sign_up,
)

ACCOUNT = "client/<int:client_id>/account"

app_name = "accounts"
urlpatterns = [
    path("", home.home, name="home"),
    path("session/create", session.sign_in, name="sign-in"),
    path("session/end", session.sign_out, name="sign-out"),
    path("session/second-step", second_step.second_step, name="second-step"),
    path("session/passkey", passkeys.passkey_sign_in, name="passkey-sign-in"),
    path("session/passkey/options", passkeys.passkey_options, name="passkey-options"),
    path("session/confirm", session.session_confirm, name="session-confirm"),
    path("security", security.security, name="security"),
    path("security/authenticator/new", second_factor.authenticator_create, name="authenticator-create"),
    path("security/authenticator/remove", second_factor.authenticator_remove, name="authenticator-remove"),
    path("security/recovery-codes/new", second_factor.recovery_codes_create, name="recovery-codes-create"),
    path("security/passkeys/new", passkeys.passkey_create, name="passkey-create"),
    path("security/passkeys/<int:passkey>/remove", passkeys.passkey_remove, name="passkey-remove"),
    path("security/sessions/<int:session>/end", security.session_end, name="session-end"),
    path("security/sessions/end-others", security.session_end_others, name="session-end-others"),
    path("security/sessions/end-all", security.session_end_all, name="session-end-all"),
    path("security/sign-in-alerts", security.sign_in_alerts_update, name="sign-in-alerts-update"),
    path(f"{ACCOUNT}/settings", account_settings.account_settings, name="account-settings"),
    path(f"{ACCOUNT}/settings/company", account_settings.company_update, name="company-update"),
    path(f"{ACCOUNT}/api-keys/new", api_keys.api_key_create, name="api-key-create"),
    path(f"{ACCOUNT}/api-keys/<int:api_key_id>/disable", api_keys.api_key_disable, name="api-key-disable"),
    path(f"{ACCOUNT}/api-keys/<int:api_key_id>/enable", api_keys.api_key_enable, name="api-key-enable"),
    path(f"{ACCOUNT}/api-keys/<int:api_key_id>/delete", api_keys.api_key_delete, name="api-key-delete"),
    path(f"{ACCOUNT}/members", members.members, name="members"),
    path(f"{ACCOUNT}/members/new", members.member_invite, name="member-invite"),
    path(f"{ACCOUNT}/members/<int:membership_id>/role", members.member_role, name="member-role"),
    path(
        f"{ACCOUNT}/members/<int:membership_id>/deactivate",
        members.member_deactivate,
        name="member-deactivate",
    ),
    path(
        f"{ACCOUNT}/members/<int:membership_id>/reactivate",
        members.member_reactivate,
        name="member-reactivate",
    ),
    path(
        f"{ACCOUNT}/invitations/<int:invitation_id>/resend",
        invitations.invitation_resend,
        name="invitation-resend",
    ),
    path(
        f"{ACCOUNT}/invitations/<int:invitation_id>/link", invitations.invitation_link, name="invitation-link"
    ),
    path(
        f"{ACCOUNT}/invitations/<int:invitation_id>/role", invitations.invitation_role, name="invitation-role"
    ),
    path(
        f"{ACCOUNT}/invitations/<int:invitation_id>/cancel",
        invitations.invitation_cancel,
        name="invitation-cancel",
    ),
    path("invitation/new/register", joining.invitation_register, name="invitation-register"),
    path("invitation/new/join", joining.invitation_join, name="invitation-join"),
    path("invitation/new/switch", joining.invitation_switch, name="invitation-switch"),
    path("invitation/<str:code>", joining.invitation, name="invitation"),
    path("accounts", own_accounts.account_list, name="account-list"),
    path("accounts/new", own_accounts.account_create, name="account-create"),
    path(f"{ACCOUNT}/audit", audit.audit, name="audit"),
    path(f"{ACCOUNT}/audit.csv", audit.audit_export, name="audit-export"),
    path(f"{ACCOUNT}/billing", billing.billing, name="billing"),
    path(f"{ACCOUNT}/plans", billing.plan_list, name="plan-list"),
    path(f"{ACCOUNT}/plans/<slug:plan_slug>", billing.plan_change, name="plan-change"),
    path("signup", sign_up.sign_up, name="sign-up"),
    path("password/forgot", password.password_forgot, name="password-forgot"),
    path("password/forgot/sent", password.password_forgot_sent, name="password-forgot-sent"),
    path("password/reset/<str:code>", password.password_reset, name="password-reset"),
    path("email/confirm/<str:key>", email.email_confirm, name="email-confirm"),
    path(f"{ACCOUNT}/profile", profile.profile, name="profile"),
    path(f"{ACCOUNT}/profile/password", profile.password_change, name="password-change"),
    path(
        f"{ACCOUNT}/profile/confirm-email",
        profile.email_confirmation_send,
        name="email-confirmation-send",
    ),
]
