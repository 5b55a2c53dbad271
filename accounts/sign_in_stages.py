"""What stands between a right password and a session: the second step of people who have one."""

from allauth.mfa.stages import AuthenticateStage
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.crypto import constant_time_compare

PASSWORD_THEN = "password_then"  # noqa: S105 - a key of the state, not a secret


class SecondStep(AuthenticateStage):
    """Asks for a code or a passkey; a person without either, or who came with a passkey, passes by."""

    urlname = "accounts:second-step"

    def handle(self) -> tuple[HttpResponse | None, bool]:
        if not self._should_handle(self.request):
            return None, True
        self.state[PASSWORD_THEN] = self.login.user.get_session_auth_hash()
        return HttpResponseRedirect(reverse(self.urlname)), True

    def still_holds(self) -> bool:
        """Tell whether the password that began this sign-in is still the person's own."""
        now = self.login.user.get_session_auth_hash() if self.login.user else ""
        return bool(now) and constant_time_compare(self.state.get(PASSWORD_THEN, ""), now)
