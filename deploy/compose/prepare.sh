#!/usr/bin/env bash
# Makes every secret of the stack beside compose.yaml, once: ./secrets/operator holds all of them, ./secrets/<service> what
# that service needs. Makes a certificate for the Gateway when ./tls has none; put your own there instead.
# Keeps what exists: after a rotation it gives each service the slots of the new and the old value. Run it as root on a machine that runs the stack: containers read as user 65532.
set -euo pipefail
umask 077
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
dir=${1:-$here}
operator=$dir/secrets/operator
mkdir -p "$operator" "$dir/tls"

put() { [[ -s $operator/$1 ]] || printf '%s' "$2" >"$operator/$1"; } # an address may name another login since, or another password
make() { [[ -s $operator/$1 ]] || openssl rand -hex "$2" | tr -d '\n' >"$operator/$1"; }
for key in zoneKek auditHmacKey streamsHmacKey gatewayStsHmacKey idempotencyHmacKey auditCheckpointKey; do make "$key" 32; done
for token in caracalAdminToken caracalCoordinatorToken metricsBearer caracalAuthSecret consoleReportToken; do make "$token" 32; done
for password in postgresPassword redisPassword; do make "$password" 24; done
for service in api sts gateway audit coordinator; do
  make "${service}DbPassword" 24
  make "${service}RedisPassword" 24
  put "${service}DatabaseUrl" "postgres://caracal${service}_a:$(<"$operator/${service}DbPassword")@postgres:5432/caracal"
  put "${service}RedisUrl" "redis://caracal-$service:$(<"$operator/${service}RedisPassword")@redis:6379"
done
put databaseUrl "postgres://caracal:$(<"$operator/postgresPassword")@postgres:5432/caracal"
put redisUrl "redis://:$(<"$operator/redisPassword")@redis:6379"

# Under another name until it is whole: a service may be reading.
copy() { cmp -s "$1" "$2" || { cp -p "$1" "$2.unfinished" && mv "$2.unfinished" "$2"; }; }
# The operator's folder says what holds, unless a service's own file is younger: then that was rotated in place, and stays.
give() {
  local service=$1
  shift
  mkdir -p "$dir/secrets/$service"
  for file in "$@"; do
    local from=$operator/$file to=$dir/secrets/$service/$file
    if [[ $to -nt $from ]] && ! cmp -s "$from" "$to"; then
      echo "kept $to: it is younger than $from" >&2
      continue
    fi
    for slot in '' .id .next .next.id .previous .previous.id .archive; do
      if [[ -e $from$slot && ($slot != .archive || $service == audit) ]]; then copy "$from$slot" "$to$slot"; else rm -f "$to$slot"; fi
    done
  done
}
give sts zoneKek auditHmacKey streamsHmacKey gatewayStsHmacKey metricsBearer stsDatabaseUrl stsRedisUrl
give api zoneKek auditHmacKey streamsHmacKey gatewayStsHmacKey caracalAdminToken metricsBearer consoleReportToken apiDatabaseUrl apiRedisUrl
give gateway auditHmacKey streamsHmacKey gatewayStsHmacKey caracalAdminToken metricsBearer gatewayDatabaseUrl gatewayRedisUrl
give coordinator auditHmacKey streamsHmacKey idempotencyHmacKey caracalCoordinatorToken metricsBearer coordinatorDatabaseUrl coordinatorRedisUrl
give audit auditHmacKey streamsHmacKey auditCheckpointKey metricsBearer auditDatabaseUrl auditRedisUrl
give console caracalAuthSecret metricsBearer consoleReportToken
give postgres postgresPassword
give redis redisPassword
# The administrator as the ACL file names it; of the password it holds a hash.
hash=$(printf '%s' "$(<"$dir/secrets/redis/redisPassword")" | openssl dgst -sha256 -r)
printf 'user default on #%s ~* &* +@all\n' "${hash%% *}" >"$dir/secrets/redis/default.acl"
mkdir -p "$dir/secrets/edge"

if [[ ! -s $dir/tls/tls.crt ]]; then
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 365 -subj /CN=caracal -addext 'subjectAltName=DNS:gateway,DNS:localhost,IP:127.0.0.1' \
    -keyout "$dir/tls/tls.key" -out "$dir/tls/tls.crt" 2>/dev/null
fi
for file in tls.crt tls.key; do copy "$dir/tls/$file" "$dir/secrets/edge/$file"; done # the edge is another user than the Gateway
if [[ $(id -u) == 0 ]]; then
  chown -R 65532:65532 "$dir/tls" "$operator"
  for service in sts api gateway coordinator audit console; do chown -R 65532:65532 "$dir/secrets/$service"; done
  chown -R 101:101 "$dir/secrets/edge"
  chown -R 999:999 "$dir/secrets/redis" "$dir/secrets/postgres"
else
  echo "not root: $dir/secrets belongs to $(id -un), and the containers' users cannot read it" >&2
fi
echo "secrets in $dir/secrets, certificate in $dir/tls; neither belongs into a repository"
