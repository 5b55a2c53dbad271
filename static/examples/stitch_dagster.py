"""A Dagster asset that is the loaded tables of a source.

Put stitch_jobs.py beside this file.
"""

import os

import dagster as dg
import stitch_jobs

SOURCE_ID = os.environ["SOURCE_ID"]


@dg.asset(retry_policy=dg.RetryPolicy(max_retries=2))
def shop_tables():
    done = stitch_jobs.run(SOURCE_ID)
    return dg.MaterializeResult(
        metadata={"job": done["job_name"], "rows": done["rows"]}
    )


daily = dg.ScheduleDefinition(
    name="daily", target=[shop_tables], cron_schedule="0 6 * * *"
)
defs = dg.Definitions(assets=[shop_tables], schedules=[daily])
