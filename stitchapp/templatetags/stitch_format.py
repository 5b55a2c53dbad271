"""Dates, times and numbers in templates. Usage: {% load stitch_format %}.

{% moment key.created_at "key" %}      <time …>Mar 30, 2019 08:18 (UTC)</time>
{% moment request.at "second" %}        <time …>Mar 30, 2019 08:18:05 (UTC)</time>
{% moment token.created_at "token" %}  February 12th, 2018 7:29pm (UTC)
{% moment load.ended_at "load" %}      Today at 12:17 pm (UTC)
{% moment batch.received_at "ago" %}   20 minutes ago, with the exact time in its title
{{ date|day:"long" }}                  February 3, 2018; also "note" and "reset"
{{ rows|thousands }}                   4,994,670
"""

from datetime import date, datetime

from django import template
from django.utils import timezone
from django.utils.safestring import SafeString

from stitchapp import formats

register = template.Library()
DAYS = {
    "long": formats.long_day,
    "note": formats.note_day,
    "reset": formats.reset_day,
}


@register.simple_tag
def moment(value: datetime | None, style: str = "key") -> SafeString | str:
    """Return a <time> element in one of the product's formats; nothing for no time."""
    if value is None:
        return ""
    if style == "ago":
        words, exact = formats.relative_time(value, timezone.now()), formats.key_time(value)
        return time_element(value, words, f' title="{exact}"')
    if style == "load":
        words = formats.load_time(value, timezone.now())
    else:
        styles = {"key": formats.key_time, "second": formats.second_time, "token": formats.token_time}
        words = styles[style](value)
    return time_element(value, words)


def time_element(value: datetime, words: str, more: str = "") -> SafeString:
    """Return the element of a time in words of ours: nothing in it needs escaping, which long lists feel."""
    return SafeString(f'<time datetime="{value.isoformat()}"{more}>{words}</time>')


@register.filter
def day(value: date | None, style: str = "long") -> str:
    """Return a day in one of the product's formats; nothing for no day."""
    return "" if value is None else DAYS[style](value)


@register.filter
def thousands(value: int | None) -> str:
    """Return a count with commas; nothing for no count."""
    return "" if value is None else formats.thousands(value)


@register.filter
def ordinal(value: int) -> str:
    """Return "1st", "2nd", "11th"."""
    return formats.ordinal(value)
