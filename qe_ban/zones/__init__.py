"""Themed zones (专区): their screens, solutions and policies, and the demands that firms send."""
