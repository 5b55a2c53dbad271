"""The help pages under /docs/: which there are, in which order, and where they moved from."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Guide:
    """One help page: its address below /docs/, its title and the sentence on its tile."""

    slug: str
    title: str
    summary: str
    section: str
    icon: str
    template: str


TOKENS_SLUG = "developers/import-api/guides/generate-revoke-import-api-access-tokens"
API_SLUG = "api"
GUIDES = (
    Guide(
        "quick-start",
        "Quick start",
        "From nothing to a first loaded row in a few minutes.",
        "Start here",
        "bolt",
        "guides/quick_start.html",
    ),
    Guide(
        TOKENS_SLUG,
        "Generate and revoke Import API access tokens",
        "Generate and revoke Import API access tokens.",
        "Import API guides",
        "table-selection",
        "guides/access_tokens.html",
    ),
    Guide(
        "developers/import-api/api",
        "Import API reference",
        "Endpoints, bodies, limits and answers.",
        "Import API guides",
        "braces",
        "guides/import_api.html",
    ),
    Guide(
        "replication/loading",
        "How records become tables",
        "Names, types, nesting, keys and what is set aside.",
        "Import API guides",
        "table",
        "guides/loading.html",
    ),
    Guide(
        "integrations/choosing-data",
        "Connect a source and choose its data",
        "From the connection to the tables and columns that you want, and how each table is read.",
        "Integrations",
        "table-selection",
        "guides/choosing_data.html",
    ),
    Guide(
        "integrations/installing-sources",
        "Installing sources",
        "For the people who run this server: install a tap, or declare any other Singer tap in a file.",
        "Integrations",
        "gear",
        "guides/sources.html",
    ),
    Guide(
        "destinations/postgresql",
        "PostgreSQL destinations",
        "Prepare a database and a user, connect, and what the messages mean.",
        "Destinations",
        "table",
        "guides/postgresql.html",
    ),
    Guide(
        "account/manage-api-access-keys",
        "Manage API access keys",
        "Create, disable, re-enable and delete the keys of your account.",
        "Account guides",
        "key",
        "guides/api_keys.html",
    ),
    Guide(
        "account/team-members",
        "Team members",
        "Invite people, give them roles, and part with them without breaking what they built.",
        "Account guides",
        "people",
        "guides/team_members.html",
    ),
    Guide(
        "account/security",
        "Sign-in and security",
        "Two-factor authentication, passkeys, sessions, and leaving or closing an account.",
        "Account guides",
        "lock",
        "guides/security.html",
    ),
    Guide(
        "account/plans-and-usage",
        "Plans and usage",
        "Which rows count, how the trial ends, and what changing the plan does.",
        "Account guides",
        "table",
        "guides/plans.html",
    ),
    Guide(
        "account/notifications",
        "Notifications",
        "What you are told, when it goes away, and what each notification means.",
        "Account guides",
        "bell",
        "guides/notifications.html",
    ),
    Guide(
        "account/post-load-hooks",
        "Post-load hooks",
        "Have a program of yours told of each load, and check that the message is genuine.",
        "Account guides",
        "bolt",
        "guides/post_load_hooks.html",
    ),
    Guide(
        "account/manage-partner-access",
        "Manage partner account access",
        "What a partner key is and how partners get one.",
        "Account guides",
        "people",
        "guides/partner_access.html",
    ),
    Guide(
        "replication/schedules",
        "When extractions run",
        "Intervals, anchor times and cron expressions, runs by hand, and what happens to missed ones.",
        "Replication",
        "table-selection",
        "guides/schedules.html",
    ),
    Guide(
        "replication/external-schedulers",
        "Run from any scheduler",
        "Start an extraction and wait for its rows from cron, Python, Airflow or Dagster.",
        "Replication",
        "bolt",
        "guides/schedulers.html",
    ),
    Guide(
        "developers/stitch-connect/api",
        "Stitch API reference",
        "Drive your account from a program with an API access key.",
        "Stitch API guides",
        "braces",
        "guides/connect_api.html",
    ),
    Guide(
        API_SLUG,
        "Stitch API, every operation",
        "Arguments, answers and errors of each call, with an example to run.",
        "Stitch API guides",
        "braces",
        "guides/api_reference.html",
    ),
    Guide(
        "help",
        "Help and feedback",
        "What to look at first, and whom to ask.",
        "Start here",
        "help",
        "guides/help.html",
    ),
)
BY_SLUG = {guide.slug: guide for guide in GUIDES}
# The guides' own paths, and a former one, lead to the pages below /docs/ (T-35).
MOVED = {
    TOKENS_SLUG: TOKENS_SLUG,
    "integrations/import-api/revoking-an-api-access-token": TOKENS_SLUG,
    "docs/integrations/import-api/revoking-an-api-access-token": TOKENS_SLUG,
}


def sections() -> list[tuple[str, list[Guide]]]:
    """Return the guides by section, both in the order of the table above."""
    by_section: dict[str, list[Guide]] = {}
    for guide in GUIDES:
        by_section.setdefault(guide.section, []).append(guide)
    return list(by_section.items())
