#!/bin/sh
# Turn the secret file into what Dagster and the mirror read; no password stands in the compose file or the image.
set -eu
secret=/run/secrets/postgres_password
if [ -r "$secret" ]; then
  DAGSTER_PG_PASSWORD=$(cat "$secret")
  PGPASSWORD=$DAGSTER_PG_PASSWORD
  export DAGSTER_PG_PASSWORD PGPASSWORD
fi
exec "$@"
