"""What runs beside the requests: the outbox of what leaves the process, the schedules, and long jobs."""
