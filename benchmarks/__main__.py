"""`python -m benchmarks [NAME] [options]`: speed and memory, measured anew; all without a name."""

import importlib
import sys

NAMES = ("reader", "publisher", "indexes", "many_files", "checks", "first_load", "audit", "guard", "waiting")
ALONE = ("confined",)  # needs root, and much disk: only by its name


def main(arguments: list[str]) -> None:
    if arguments and arguments[0] in NAMES + ALONE:
        names, options = arguments[:1], arguments[1:]
    elif arguments:
        sys.exit(f"{arguments[0]} is none of {', '.join(NAMES + ALONE)}\n{__doc__}")
    else:
        names, options = list(NAMES), []
    for name in names:
        importlib.import_module(f"benchmarks.{name}").main(options)


main(sys.argv[1:])
