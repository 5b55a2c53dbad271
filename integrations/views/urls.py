"""The addresses of the pages (app.md 2.4)."""

from django.urls import path

from integrations.views import (
    access_tokens,
    batches,
    catalogue,
    cloning,
    connection_checks,
    dashboard,
    destinations,
    extraction_jobs,
    extractions,
    hook_deliveries,
    hooks,
    integrations,
    loads,
    notification_settings,
    notifications,
    rehearsals,
    rejected_records,
    replays,
    requests,
    schedules,
    schema_changes,
    selection,
    settings,
    source_settings,
    sources,
    stream_fields,
    table_settings,
    tables,
    usage,
)

CLIENT = "client/<int:client_id>"
CONNECTIONS = f"{CLIENT}/pipeline/connections"
DESTINATIONS = f"{CLIENT}/destinations"
DESTINATION = f"{DESTINATIONS}/<int:destination_id>"
NOTIFICATION_SETTINGS = f"{CLIENT}/account/notifications"
HOOK = f"{NOTIFICATION_SETTINGS}/hooks/<int:hook_id>"
INTEGRATION = f"{CONNECTIONS}/<int:integration_id>"
SELECTION = f"{INTEGRATION}/selection"
STREAM = f"{SELECTION}/<int:stream_id>"

urlpatterns = [
    path(CONNECTIONS, dashboard.dashboard, name="dashboard"),
    path(f"{CLIENT}/account/billing/usage", usage.usage, name="usage"),
    path(f"{CLIENT}/account/billing/usage.csv", usage.usage_export, name="usage-export"),
    path(f"{CLIENT}/pipeline/integrations", catalogue.catalogue, name="catalogue"),
    path(f"{CLIENT}/pipeline/integrations/import-api", catalogue.import_api_create, name="import-api-create"),
    path(f"{CLIENT}/pipeline/integrations/<str:source_type>", sources.source_create, name="source-create"),
    path(f"{INTEGRATION}/start-date", source_settings.start_date_change, name="start-date-change"),
    path(f"{INTEGRATION}/reset", source_settings.integration_reset, name="integration-reset"),
    path(f"{INTEGRATION}/summary", integrations.integration_summary, name="integration-summary"),
    path(f"{INTEGRATION}/extractions", extractions.integration_extractions, name="integration-extractions"),
    path(f"{INTEGRATION}/extractions/start", extraction_jobs.extraction_start, name="extraction-start"),
    path(f"{INTEGRATION}/extractions/stop", extraction_jobs.extraction_stop, name="extraction-stop"),
    path(f"{INTEGRATION}/extractions/<int:job_id>", extractions.extraction_detail, name="extraction-detail"),
    path(f"{INTEGRATION}/extractions/<int:job_id>/log", extractions.extraction_log, name="extraction-log"),
    path(f"{INTEGRATION}/pause", integrations.integration_pause, name="integration-pause"),
    path(f"{INTEGRATION}/resume", integrations.integration_resume, name="integration-resume"),
    path(f"{INTEGRATION}/clone", cloning.integration_clone, name="integration-clone"),
    path(f"{INTEGRATION}/delete", integrations.integration_delete, name="integration-delete"),
    path(f"{INTEGRATION}/tables", tables.integration_tables, name="integration-tables"),
    path(f"{INTEGRATION}/tables/<int:table_id>", tables.integration_table, name="integration-table"),
    path(f"{INTEGRATION}/tables/<int:table_id>/preview", tables.table_preview, name="table-preview"),
    *(
        path(
            f"{SELECTION}/{action}",
            getattr(selection, f"selection_{action.replace('-', '_')}"),
            name=f"selection-{action}",
        )
        for action in ("choose", "track-all", "stop-all", "finalize", "cancel")
    ),
    path(f"{SELECTION}/data", selection.data_choice, name="data-choice"),
    path(f"{SELECTION}/changes", schema_changes.schema_changes, name="schema-changes"),
    path(f"{SELECTION}/changes/seen", selection.schema_changes_seen, name="schema-changes-seen"),
    path(f"{STREAM}/fields", stream_fields.stream_fields, name="stream-fields"),
    path(f"{STREAM}/settings", table_settings.table_settings, name="table-settings"),
    path(f"{STREAM}/reset", table_settings.table_reset, name="table-reset"),
    path(f"{INTEGRATION}/check", connection_checks.connection_check, name="connection-check"),
    path(
        f"{INTEGRATION}/check/start", connection_checks.connection_check_start, name="connection-check-start"
    ),
    path(f"{INTEGRATION}/rehearsal", rehearsals.integration_rehearsal, name="integration-rehearsal"),
    path(f"{INTEGRATION}/loads", loads.integration_loads, name="integration-loads"),
    path(f"{INTEGRATION}/loads/table", loads.table_loads, name="table-loads"),
    path(f"{INTEGRATION}/batches", batches.batch_list, name="batch-list"),
    path(f"{INTEGRATION}/batches/<uuid:receipt>", batches.batch_receipt, name="batch-receipt"),
    path(f"{INTEGRATION}/requests", requests.request_list, name="request-list"),
    path(f"{INTEGRATION}/rejected", rejected_records.rejected_list, name="rejected-list"),
    path(
        f"{INTEGRATION}/rejected/records/<int:rejected_id>",
        rejected_records.rejected_record,
        name="rejected-record",
    ),
    path(f"{INTEGRATION}/rejected/<slug:group>", rejected_records.rejected_group, name="rejected-group"),
    path(f"{INTEGRATION}/rejected/<slug:group>/replay", replays.rejected_replay, name="rejected-replay"),
    path(
        f"{INTEGRATION}/rejected/<slug:group>/dismiss",
        rejected_records.rejected_dismiss,
        name="rejected-dismiss",
    ),
    path(
        f"{INTEGRATION}/rejected/<slug:group>/reopen",
        rejected_records.rejected_reopen,
        name="rejected-reopen",
    ),
    path(f"{CLIENT}/pipeline/schedule", schedules.schedule_sample, name="schedule-sample"),
    path(f"{INTEGRATION}/schedule", schedules.schedule_edit, name="schedule-edit"),
    path(f"{INTEGRATION}/settings", settings.integration_settings, name="integration-settings"),
    path(f"{INTEGRATION}/tokens", access_tokens.access_token_create, name="access-token-create"),
    path(
        f"{INTEGRATION}/tokens/<int:token_id>/revoke",
        access_tokens.access_token_revoke,
        name="access-token-revoke",
    ),
    path(DESTINATIONS, destinations.destination, name="destination"),
    path(f"{DESTINATIONS}/postgresql", destinations.destination_create, name="destination-create"),
    path(f"{DESTINATIONS}/embedded", destinations.destination_embedded, name="destination-embedded"),
    path(f"{DESTINATION}/edit", destinations.destination_edit, name="destination-edit"),
    path(f"{DESTINATION}/check", destinations.destination_check, name="destination-check"),
    path(f"{DESTINATION}/remove", destinations.destination_remove, name="destination-remove"),
    path(NOTIFICATION_SETTINGS, notification_settings.notification_settings, name="notification-settings"),
    path(f"{NOTIFICATION_SETTINGS}/hooks", hooks.hook_create, name="hook-create"),
    path(f"{HOOK}/disable", hooks.hook_disable, name="hook-disable"),
    path(f"{HOOK}/enable", hooks.hook_enable, name="hook-enable"),
    path(f"{HOOK}/delete", hooks.hook_delete, name="hook-delete"),
    path(f"{HOOK}/deliveries", hook_deliveries.hook_deliveries, name="hook-deliveries"),
    path(f"{HOOK}/deliveries/<int:delivery_id>/replay", hook_deliveries.hook_replay, name="hook-replay"),
    path(f"{CLIENT}/notifications", notifications.notifications, name="notifications"),
    path(
        f"{CLIENT}/notifications/dismiss",
        notifications.notification_dismiss_all,
        name="notification-dismiss-all",
    ),
    path(
        f"{CLIENT}/notifications/<int:notification_id>/dismiss",
        notifications.notification_dismiss,
        name="notification-dismiss",
    ),
    path(
        f"{NOTIFICATION_SETTINGS}/content",
        notification_settings.notification_content_update,
        name="notification-content-update",
    ),
    path(
        f"{NOTIFICATION_SETTINGS}/emails/new",
        notification_settings.notification_address_create,
        name="notification-address-create",
    ),
    *(
        path(
            f"{NOTIFICATION_SETTINGS}/emails/<int:address_id>/{action}",
            getattr(notification_settings, f"notification_address_{action}"),
            name=f"notification-address-{action}",
        )
        for action in ("ask", "disable", "enable", "delete")
    ),
    path(
        "notification-emails/confirm/<str:code>",
        notification_settings.notification_address_confirm,
        name="notification-address-confirm",
    ),
    path(
        "notification-emails/stop/<str:code>",
        notification_settings.notification_address_leave,
        name="notification-address-leave",
    ),
]
