"""What a change of plan does to post-load hooks (app.md 13.2): disabled with the plan, re-enabled by hand."""

from accounts.plans import Feature
from accounts.services.plan_effects import Change, Effect, Thing, counted, register
from integrations.services.hooks import disable_every_hook


def foretell_hooks(change: Change) -> list[Effect]:
    """Name every hook that will be disabled, or say that none comes back by itself."""
    if not change.keeps(Feature.POST_LOAD_HOOKS):
        hooks = list(change.account.hooks.enabled())
        if hooks:
            one = len(hooks) == 1
            return [
                Effect(
                    "hooks",
                    sentence="This post-load webhook will be disabled:"
                    if one
                    else f"These {len(hooks)} post-load webhooks will be disabled:",
                    things=tuple(Thing(hook.pk, hook.url) for hook in hooks),
                    afterwards=(
                        f"Nothing is sent to {'it' if one else 'them'} any more. {'It stays' if one else 'They stay'} "
                        f"listed, and disabled until somebody re-enables {'it' if one else 'them'} on a plan with "
                        "post-load hooks."
                    ),
                )
            ]
    disabled = change.account.hooks.exclude(disabled_at=None).count()
    if not disabled or not change.gives(Feature.POST_LOAD_HOOKS):
        return []
    sentence = (
        f"Post-load hooks come back, but no webhook by itself: {counted(disabled, 'webhook stays', 'webhooks stay')} "
        "disabled until somebody uses “Re-enable this webhook” in Notification Settings."
    )
    return [Effect("hooks", sentence, takes_away=False)]


def disable_hooks(change: Change) -> str:
    """Disable every hook, unless the plan had hooks and keeps them."""
    if change.keeps(Feature.POST_LOAD_HOOKS):
        return ""
    number = disable_every_hook(
        account=change.account, actor=change.actor, by_staff=change.by_staff, reason=change.reason
    )
    return (
        f"{counted(number, 'post-load webhook was', 'post-load webhooks were')} disabled." if number else ""
    )


register("hooks", foretell=foretell_hooks, carry_out=disable_hooks)
