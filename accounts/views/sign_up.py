"""Opening an account."""

from allauth.account.internal.flows.login import perform_password_login
from allauth.account.models import Login
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts.access import public
from accounts.errors import DomainError
from accounts.forms.sign_up import SignUpForm
from accounts.services import email_addresses
from accounts.services.sign_up import AddressTaken, TooManySignUps, new_form_id
from accounts.services.sign_up import sign_up as open_account_for
from accounts.views.session import next_url, with_next
from stitchapp.server_address import server_address


@public
@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def sign_up(request: HttpRequest) -> HttpResponse:
    """Create person and account, sign the person in and open the dashboard."""
    wanted = next_url(request)
    if request.user.is_authenticated:
        return HttpResponseRedirect(wanted or reverse("accounts:home"))
    posted = request.POST if request.method == "POST" else None
    form = SignUpForm(posted, initial={"form_id": new_form_id()})
    if form.is_valid():
        try:
            person = open_account_for(**form.cleaned_data)
        except AddressTaken as error:
            form.add_error("email", error.message)
        except TooManySignUps as error:
            form.add_error(None, error.message)
        else:
            ask_to_confirm(request, person)
            login = Login(user=person, redirect_url=wanted or reverse("accounts:home"))
            return perform_password_login(request, {"email": person.email}, login)
    context = {
        "form": form,
        "action": with_next("accounts:sign-up", wanted),
        "sign_in_url": with_next("accounts:sign-in", wanted),
    }
    return render(request, "accounts/sign_up.html", context, status=422 if form.errors else 200)


def ask_to_confirm(request: HttpRequest, person) -> None:
    """Send the link that confirms the address, and say so; nothing waits for it."""
    try:
        email = email_addresses.send_confirmation(person=person, server=server_address(request))
    except DomainError as error:
        messages.warning(request, error.message)
    else:
        messages.info(request, f"A link to confirm your address is on its way to {email}.{where_mail_goes()}")


def where_mail_goes() -> str:
    """Tell a newcomer on a server without mail where the mail is (decision D22)."""
    if settings.EMAIL_BACKEND.endswith("filebased.EmailBackend"):
        return f" This server keeps its mail in the folder {settings.EMAIL_FILE_PATH}."
    return ""
