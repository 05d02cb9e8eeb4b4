"""The interface of zones: what they show, demands for residents and for editors, their end."""
