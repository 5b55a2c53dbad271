"""Whose request it is: the API access key in the Authorization header, and nothing else."""

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.services.key_authentication import KeyRefused, authenticate_api_key
from integrations.connect import responses


def authenticate(request: HttpRequest) -> HttpResponse | None:
    """Set the request's key and account, or return the refusal: the same for every reason (promise P9)."""
    try:
        key = authenticate_api_key(authorization=request.headers.get("Authorization", ""), now=timezone.now())
    except KeyRefused:
        return responses.unauthorized()
    request.api_key, request.account = key, key.account
    return None
