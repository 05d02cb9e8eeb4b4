"""The use cases of halls: screens, local apps, places, and what residents keep."""
