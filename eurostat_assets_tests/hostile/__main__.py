"""`python -m eurostat_assets_tests.hostile`."""

from eurostat_assets_tests.hostile.month import main

main()
