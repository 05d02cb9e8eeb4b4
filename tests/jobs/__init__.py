"""Tests of qe_ban.jobs."""
