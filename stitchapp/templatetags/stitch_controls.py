"""Controls that stand in every row of a list, written here because a template's parts cost more than the row.

{% row_switch row.name toggle=row.toggle %}   the small switch; `components/toggle_list.html` says what it takes

Measured with 50 rows: an included template of eight parameters takes 3 ms of a page, this 1 ms.
"""

from collections.abc import Mapping

from django import template
from django.template.context import Context
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

register = template.Library()
KNOB = mark_safe('<span class="switch-knob"></span>')
NOTHING = mark_safe("")
DISABLED = mark_safe(" disabled")


@register.simple_tag(takes_context=True)
def row_switch(
    context: Context, name: str, toggle: Mapping[str, object] | None = None, **given: object
) -> SafeString:
    """Return the form of a switch: url, on and, where they matter, ask_url, next, disabled and target."""
    toggle = given if toggle is None else toggle
    url, ask_url, target = toggle["url"], toggle.get("ask_url"), toggle.get("target")
    swaps, asks, back, token = NOTHING, NOTHING, NOTHING, NOTHING
    if target:
        swaps = format_html(' hx-post="{}" hx-target="{}" hx-swap="outerHTML"', url, target)
    if toggle.get("next"):
        back = format_html('<input type="hidden" name="next" value="{}">', toggle["next"])
    if ask_url:
        asks = format_html(' hx-get="{}" hx-target="#dialog-slot" hx-swap="innerHTML"', ask_url)
    else:
        token = format_html(
            '<input type="hidden" name="csrfmiddlewaretoken" value="{}">', context["csrf_token"]
        )
    return format_html(
        '<form class="switch-form" method="{}" action="{}"{}>{}{}<button class="switch" type="submit" role="switch" '
        'aria-checked="{}" aria-label="{} is active"{}{}>{}</button></form>',
        "get" if ask_url else "post",
        url,
        swaps,
        back,
        token,
        "true" if toggle.get("on") else "false",
        name,
        asks,
        DISABLED if toggle.get("disabled") else NOTHING,
        KNOB,
    )
