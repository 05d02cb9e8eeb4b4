"""The made-up city of the sandbox: its people, venues and staff, and the second source that answers for it."""
