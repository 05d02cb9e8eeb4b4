"""The use cases of review: save, submit, approve, reject, publish, roll back, withdraw, read what was published."""
