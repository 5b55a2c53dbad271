"""The staff page "Look up a credential" (decision D19)."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts.access import staff
from integrations.forms.credential_look_up import CredentialForm
from integrations.services.credential_look_up import Finding, look_up_credential


@staff(permission="accounts.look_up_credential")
@never_cache
@sensitive_post_parameters("secret")
@require_http_methods(["GET", "POST"])
def credential_look_up(request: HttpRequest) -> HttpResponse:
    """Take a pasted secret; say whose it is. It stands in the request's body and nowhere else."""
    form = CredentialForm(request.POST if request.method == "POST" else None)
    context = admin.site.each_context(request) | {"title": "Look up a credential"}
    if form.is_valid():
        finding = look_up_credential(secret=form.cleaned_data["secret"], actor=request.user)
        context |= {"finding": finding, "credential_url": staff_url(finding)}
        form = CredentialForm()
    context["form"] = form
    status = 422 if form.errors else 200
    return render(request, "integrations/credential_look_up.html", context, status=status)


def staff_url(finding: Finding) -> str:
    """Return the credential's own staff page."""
    if finding.credential is None:
        return ""
    options = finding.credential._meta
    return reverse(f"admin:{options.app_label}_{options.model_name}_change", args=[finding.credential.pk])
