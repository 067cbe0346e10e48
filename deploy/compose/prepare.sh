#!/usr/bin/env bash
# Makes every secret of the stack beside compose.yaml, once: ./secrets/operator holds all of them, ./secrets/<service> what
# that service needs. Makes a certificate for the Gateway when ./tls has none; put your own there instead.
# Keeps what exists. Run it as root on a machine that runs the stack: containers read as user 65532.
set -euo pipefail
umask 077
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
dir=${1:-$here}
operator=$dir/secrets/operator
mkdir -p "$operator" "$dir/tls"

make() { [[ -s $operator/$1 ]] || openssl rand -hex "$2" | tr -d '\n' >"$operator/$1"; }
for key in zoneKek auditHmacKey streamsHmacKey gatewayStsHmacKey idempotencyHmacKey auditCheckpointKey; do make "$key" 32; done
for token in caracalAdminToken caracalCoordinatorToken metricsBearer caracalAuthSecret; do make "$token" 32; done
for password in postgresPassword redisPassword; do make "$password" 24; done
for service in api sts gateway audit coordinator; do
  make "${service}DbPassword" 24
  make "${service}RedisPassword" 24
  printf 'postgres://caracal%s_a:%s@postgres:5432/caracal' "$service" "$(<"$operator/${service}DbPassword")" >"$operator/${service}DatabaseUrl"
  printf 'redis://caracal-%s:%s@redis:6379' "$service" "$(<"$operator/${service}RedisPassword")" >"$operator/${service}RedisUrl"
done
printf 'postgres://caracal:%s@postgres:5432/caracal' "$(<"$operator/postgresPassword")" >"$operator/databaseUrl"
printf 'redis://:%s@redis:6379' "$(<"$operator/redisPassword")" >"$operator/redisUrl"

give() {
  local service=$1
  shift
  mkdir -p "$dir/secrets/$service"
  for file in "$@"; do cp -p "$operator/$file" "$dir/secrets/$service/$file"; done
}
give sts zoneKek auditHmacKey streamsHmacKey gatewayStsHmacKey metricsBearer stsDatabaseUrl stsRedisUrl
give api zoneKek auditHmacKey streamsHmacKey gatewayStsHmacKey caracalAdminToken metricsBearer apiDatabaseUrl apiRedisUrl
give gateway auditHmacKey streamsHmacKey gatewayStsHmacKey caracalAdminToken metricsBearer gatewayDatabaseUrl gatewayRedisUrl
give coordinator auditHmacKey streamsHmacKey idempotencyHmacKey caracalCoordinatorToken metricsBearer coordinatorDatabaseUrl coordinatorRedisUrl
give audit auditHmacKey streamsHmacKey auditCheckpointKey metricsBearer auditDatabaseUrl auditRedisUrl
give console caracalAuthSecret metricsBearer
give postgres postgresPassword
mkdir -p "$dir/secrets/redis"
printf 'port 6379\ndir /data\nrequirepass %s\nappendonly yes\nappendfsync everysec\nsave 3600 1\nmaxmemory 512mb\nmaxmemory-policy noeviction\ntcp-keepalive 60\nprotected-mode yes\n' \
  "$(<"$operator/redisPassword")" >"$dir/secrets/redis/redis.conf"

if [[ ! -s $dir/tls/tls.crt ]]; then
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 365 -subj /CN=caracal -addext 'subjectAltName=DNS:gateway,DNS:localhost,IP:127.0.0.1' \
    -keyout "$dir/tls/tls.key" -out "$dir/tls/tls.crt" 2>/dev/null
fi
if [[ $(id -u) == 0 ]]; then
  chown -R 65532:65532 "$dir/tls" "$operator"
  for service in sts api gateway coordinator audit console; do chown -R 65532:65532 "$dir/secrets/$service"; done
  chown -R 999:999 "$dir/secrets/redis" "$dir/secrets/postgres"
fi
echo "secrets in $dir/secrets, certificate in $dir/tls; neither belongs into a repository"
