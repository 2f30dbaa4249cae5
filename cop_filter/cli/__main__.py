"""`python -m cop_filter.cli`: how `serve` starts its children, whatever the command was called by."""

from cop_filter.cli import main

main()
