"""What runs beside the requests: the outbox of what leaves the process, and the schedules."""
