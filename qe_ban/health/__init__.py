"""Levels of health codes: changed by a rule or by two persons, told to the resident, ended by themselves, corrected."""
