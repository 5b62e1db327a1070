#!/bin/sh
# Bring the database's password from the secret file to where libpq looks for it. So it stands in no environment, and what
# a health check or `docker compose exec` starts finds it as well.
set -eu
secret=/run/secrets/postgres_password
if [ -r "$secret" ]; then
  (umask 077 && sed 's/[\\:]/\\&/g; s/^/*:*:*:*:/' "$secret" > "$HOME/.pgpass")
fi
exec "$@"
