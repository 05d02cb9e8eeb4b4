"""The interface of health levels: for residents, for who proposes and approves changes, for who answers requests."""
