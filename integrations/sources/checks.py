"""`manage.py check` names declarations of source types that cannot be used."""

from typing import Any

from django.core.checks import CheckMessage, Warning, register

from integrations.sources.registry import declaration_faults


@register("sources")
def check_declarations(**kwargs: Any) -> list[CheckMessage]:
    """Return a warning for each declaration that is left out."""
    return [
        Warning(
            f"{fault.path} declares no source type: {fault.message}",
            hint="Correct the file; the rest goes on without it.",
            id="sources.W001",
        )
        for fault in declaration_faults()
    ]
