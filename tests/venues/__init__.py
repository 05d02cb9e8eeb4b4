"""Tests of qe_ban.venues."""
