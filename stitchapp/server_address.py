"""The address under which people and programs reach this server."""

from django.conf import settings
from django.http import HttpRequest


def server_address(request: HttpRequest) -> str:
    """Return PUBLIC_URL, or else scheme and host of the request, without a slash at the end."""
    return settings.PUBLIC_URL or f"{request.scheme}://{request.get_host()}"
