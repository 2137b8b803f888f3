"""Examples of pages run as tests; pages that are made show examples that run where they are written."""

collect_ignore = ["conf.py", "generated"]
