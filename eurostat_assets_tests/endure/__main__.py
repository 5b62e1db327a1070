"""`python -m eurostat_assets_tests.endure`."""

from eurostat_assets_tests.endure.series import main

main()
