"""The command line, one file for each command group; the only place that wires the whole.

May import every floor and typer.
"""
