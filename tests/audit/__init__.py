"""Tests of qe_ban.audit."""
