"""`python -m eurostat_assets.sandbox ARGUMENTS`: the process that `running` starts. People use the command line instead."""

import sys

from eurostat_assets.sandbox.process import main

main(sys.argv[1:])
