"""The address under which people and programs reach this server."""

from django.conf import settings
from django.http import HttpRequest


def server_address(request: HttpRequest) -> str:
    """Return PUBLIC_URL, or else scheme and host of the request, without a slash at the end."""
    return settings.PUBLIC_URL or f"{request.scheme}://{request.get_host()}"


def own_address() -> str:
    """Return the address for what no request causes: PUBLIC_URL, or else what the settings say of this server."""
    if settings.PUBLIC_URL:
        return str(settings.PUBLIC_URL)
    if settings.LOCAL_MODE:
        return f"http://localhost:{settings.PORT}"
    named = [host.lstrip(".") for host in settings.ALLOWED_HOSTS if "*" not in host]
    return f"https://{named[0] if named else 'localhost'}"
