#!/bin/sh
# Bring the database's password from the secret file to where libpq looks for it. So it stands in no environment, and what
# a health check or `docker compose exec` starts finds it as well. Whoever has the superuser's works as the superuser (the
# service that makes the roles), all others as the loader.
set -eu
umask 027 # what the platform makes, its own user and group may read, and nobody else
for secret in /run/secrets/postgres_password /run/secrets/loader_password; do
  if [ -r "$secret" ]; then
    (umask 077 && sed 's/[\\:]/\\&/g; s/^/*:*:*:*:/' "$secret" > "$HOME/.pgpass")
    break
  fi
done
exec "$@"
