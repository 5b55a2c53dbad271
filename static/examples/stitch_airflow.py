"""An Airflow DAG: extract, then wait for the rows, then use them.

Put stitch_jobs.py beside this file.
"""

import os
from datetime import datetime

import stitch_jobs
from airflow.sdk import dag, task  # Airflow 2: from airflow.decorators

SOURCE_ID = os.environ["SOURCE_ID"]


@dag(
    schedule="0 6 * * *", start_date=datetime(2024, 1, 1), catchup=False
)
def shop():
    @task(retries=2)
    def extract(run_id=None):
        # Airflow gives run_id: a retry finds the job it started before
        return stitch_jobs.start(SOURCE_ID, key=run_id)

    @task(retries=2)
    def load(job_name):
        return stitch_jobs.wait(job_name)["rows"]

    @task
    def use(rows):
        print(f"{rows} rows are in the warehouse")

    use(load(extract()))


shop()
