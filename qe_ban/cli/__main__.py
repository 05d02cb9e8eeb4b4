"""`python -m qe_ban.cli`: how the command starts its own helpers."""

from qe_ban.cli.root import main

main()
