"""Translate a rule's refusal into a page, once for all pages (house style 13)."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.errors import DomainError, PlanRequired


class DomainErrorMiddleware:
    """Show what a view let through: the plan page for PlanRequired, the sentence of any other refusal."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, PlanRequired):
            return render(request, "errors/plan_required.html", {"error": exception}, status=exception.status)
        if isinstance(exception, DomainError):
            return render(request, "errors/refused.html", {"error": exception}, status=exception.status)
        return None
