"""What the product does differently from django-allauth's defaults."""

from allauth.account.adapter import DefaultAccountAdapter
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from accounts.models import User
from accounts.services.authentication import TooManyFailures, find_person
from accounts.services.sessions import record_sign_in
from stitchapp import request_facts


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
        record_sign_in(person=user)

    def get_login_stages(self) -> list[str]:
        """The password, then the second step: nothing else of the library's is in use."""
        return ["accounts.sign_in_stages.SecondStep"]

    def get_client_ip(self, request: HttpRequest) -> str:
        """The caller's address, forwarded only by trusted proxies (promise S8)."""
        return request_facts.current().address or "0.0.0.0"  # noqa: S104 - shown, not listened on

    def add_message(self, *args, **kwargs) -> None:
        """Our views say what happened."""
