"""Run a job of the pipeline: its parameters, code, plan, seal and use of the machine."""
