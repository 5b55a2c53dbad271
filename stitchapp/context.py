"""What every template may use."""

from django.conf import settings
from django.http import HttpRequest


def product(request: HttpRequest) -> dict[str, object]:
    """Give templates the product's name and whether this server is in local mode."""
    return {"product_name": settings.PRODUCT_NAME, "local_mode": settings.LOCAL_MODE}
