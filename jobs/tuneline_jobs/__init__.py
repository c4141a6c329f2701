"""The Python that runs inside a Job: one module per stage, started as `python -m tuneline_jobs STAGE`."""
