"""The second step of a sign-in."""

from allauth.account.internal.flows.login import record_authentication
from allauth.account.stages import LoginStageController
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts.access import public
from accounts.forms.second_factor import SecondStepForm
from accounts.services.authentication import may_sign_in
from accounts.services.second_factor import second_factors_of
from accounts.services.second_step import TooManyCodes, WrongCode, check_second_step
from accounts.sign_in_stages import SecondStep
from accounts.views.session import with_next
from stitchapp.server_address import server_address


@public
@never_cache
@sensitive_post_parameters("code")
@require_http_methods(["GET", "POST"])
def second_step(request: HttpRequest) -> HttpResponse:
    """Ask for a code of the person who has given the password a moment ago; then sign them in."""
    stage = waiting_step(request)
    if stage is None:
        return HttpResponseRedirect(reverse("accounts:sign-in"))
    person = stage.login.user
    form = SecondStepForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            used = check_second_step(
                person=person, code=form.cleaned_data["code"], server=server_address(request)
            )
        except (WrongCode, TooManyCodes) as error:
            form.add_error("code", error.message)
        else:
            record_authentication(request, person, "mfa", id=used.pk, type=used.type)
            return stage.exit()
    context = {
        "form": form,
        "person": person,
        "factors": second_factors_of(person),
        "passkey_action": with_next("accounts:passkey-sign-in", stage.login.redirect_url or ""),
    }
    return render(request, "accounts/second_step.html", context, status=422 if form.errors else 200)


def waiting_step(request: HttpRequest) -> SecondStep | None:
    """Return the sign-in that waits for its second step, in this browser and for a quarter of an hour."""
    if request.user.is_authenticated:
        return None
    stage = LoginStageController.enter(request, SecondStep.key)
    if stage is None or not stage.still_holds() or not may_sign_in(stage.login.user):
        return None
    return stage
