"""A person's place in an account, with a role (app.md 14.1)."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from accounts.models.account import Account


class Role(models.TextChoices):
    """The roles of the role menu. Invoice Admin is a mark on a membership, not a role to choose."""

    ADMINISTRATOR = "administrator", "Administrator"
    GENERAL_USER = "general_user", "General User"


class MembershipQuerySet(models.QuerySet):
    def active(self) -> "MembershipQuerySet":
        return self.filter(deactivated_at=None, user__is_active=True)

    def with_others(self) -> "MembershipQuerySet":
        """Annotate `has_others`: whether the person has a place in another account too."""
        others = Membership.objects.filter(user=models.OuterRef("user"), deactivated_at=None)
        return self.annotate(has_others=models.Exists(others.exclude(pk=models.OuterRef("pk"))))

    def last_used(self) -> "MembershipQuerySet":
        """Order by when each account was opened last; one never opened comes last."""
        return self.order_by(models.F("last_used_at").desc(nulls_last=True), "pk").select_related("account")


class Membership(models.Model):
    """One person in one account."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=20, choices=Role.choices, default=Role.GENERAL_USER)
    invoice_admin = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)
    deactivated_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "user"], name="membership_once_per_account"),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.account}"
