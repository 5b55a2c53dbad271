"""What the product does differently from django-allauth's defaults."""

from allauth.account.adapter import DefaultAccountAdapter
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from accounts.devices import device_words
from accounts.models import User
from accounts.services.authentication import TooManyFailures, find_person
from accounts.services.sessions import record_sign_in
from accounts.services.sign_in_alerts import is_unfamiliar, send_alert
from accounts.services.throttle import network_of
from stitchapp import request_facts
from stitchapp.server_address import server_address


class AccountAdapter(DefaultAccountAdapter):
    """Signs people in with our throttle and audit trail; says nothing by itself."""

    @sensitive_variables("credentials")
    def authenticate(self, request: HttpRequest, **credentials: str) -> User | None:
        try:
            return find_person(request=request, email=credentials["email"], password=credentials["password"])
        except TooManyFailures as error:
            raise ValidationError(error.message, code=error.code) from error

    def login(self, request: HttpRequest, user: User) -> None:
        super().login(request, user)
        device = device_words(request_facts.current().client)
        unfamiliar = is_unfamiliar(user, device=device)
        with transaction.atomic():
            record_sign_in(person=user, device=device, network=network_of(request_facts.current().address))
            if unfamiliar:
                send_alert(user, device=device, server=server_address(request))

    def get_login_stages(self) -> list[str]:
        """The password, then the second step: nothing else of the library's is in use."""
        return ["accounts.sign_in_stages.SecondStep"]

    def get_client_ip(self, request: HttpRequest) -> str:
        """The caller's address, forwarded only by trusted proxies (promise S8)."""
        return request_facts.current().address or "0.0.0.0"  # noqa: S104 - shown, not listened on

    def add_message(self, *args, **kwargs) -> None:
        """Our views say what happened."""
