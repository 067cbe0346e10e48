#!/usr/bin/env bash
# Runs every role in a process of its own, over PostgreSQL and Redis on this machine.
#   separate-processes.sh up     starts what is missing, waits until all are ready, prints how to use it
#   separate-processes.sh down   ends what `up` started; data stays in the folder
# FLEET_DIR (default ~/.local/share/caracal-fleet) holds secrets, data and logs. With DATABASE_URL and REDIS_URL set, those
# servers are used; else both are started here from Debian's packages (postgresql, redis-server).
set -euo pipefail

root=$(cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../.." && pwd)
dir=${FLEET_DIR:-$HOME/.local/share/caracal-fleet}
roles=(audit sts coordinator api gateway console)
postgres_port=${FLEET_POSTGRES_PORT:-5433} redis_port=${FLEET_REDIS_PORT:-6380}
umask 077

alive() { [[ -f $dir/$1.pid ]] && kill -0 "$(<"$dir/$1.pid")" 2>/dev/null; }

# Runs a command in the background, in a session of its own, with its output in a log.
launch() {
  local name=$1
  shift
  setsid "$@" >>"$dir/$name.log" 2>&1 </dev/null &
  echo $! >"$dir/$name.pid"
}

start_postgres() {
  local bin data=$dir/postgres as=() password
  bin=$(printf '%s\n' /usr/lib/postgresql/*/bin | sort -V | tail -1)
  [[ -x $bin/initdb ]] || { echo 'PostgreSQL is not installed: apt-get install postgresql' >&2; exit 1; }
  # It refuses to run as root, and its folder must then be reachable for its own user.
  if [[ $(id -u) == 0 ]]; then
    as=(runuser -u postgres --)
    data=/var/lib/postgresql/caracal-fleet-$postgres_port
    install -d -o postgres -m 700 "$data"
  fi
  if [[ ! -f $data/PG_VERSION ]]; then
    password=$(mktemp) # A file, not a pipe: its user may not open a pipe of ours.
    secret postgresPassword >"$password"
    [[ $(id -u) != 0 ]] || chown postgres "$password"
    "${as[@]}" "$bin/initdb" -D "$data" -U caracal -A scram-sha-256 -E UTF8 --locale=C.UTF-8 --pwfile="$password" >/dev/null ||
      { rm -f "$password"; exit 1; }
    rm -f "$password"
  fi
  launch postgres "${as[@]}" "$bin/postgres" -D "$data" -p "$postgres_port" -k "$data" -c listen_addresses=127.0.0.1 -c max_connections=200
  until "$bin/pg_isready" -q -h 127.0.0.1 -p "$postgres_port"; do sleep 0.2; done
  PGPASSWORD=$(secret postgresPassword) "$bin/psql" -qXAt -h 127.0.0.1 -p "$postgres_port" -U caracal -d postgres \
    -c "SELECT 1 FROM pg_database WHERE datname = 'caracal'" | grep -q 1 ||
    PGPASSWORD=$(secret postgresPassword) "$bin/createdb" -h 127.0.0.1 -p "$postgres_port" -U caracal caracal
}

start_redis() {
  command -v redis-server >/dev/null || { echo 'Redis is not installed: apt-get install redis-server' >&2; exit 1; }
  mkdir -p "$dir/redis"
  printf 'bind 127.0.0.1\nport %s\nrequirepass %s\ndir %s\nappendonly yes\nappendfsync everysec\nsave 3600 1\nmaxmemory 512mb\nmaxmemory-policy noeviction\n' \
    "$redis_port" "$(secret redisPassword)" "$dir/redis" >"$dir/redis/redis.conf"
  launch redis redis-server "$dir/redis/redis.conf"
  until REDISCLI_AUTH=$(secret redisPassword) redis-cli -p "$redis_port" ping 2>/dev/null | grep -q PONG; do sleep 0.2; done
}

# A secret of this folder, made at first use.
secret() {
  mkdir -p "$dir/secrets"
  [[ -s $dir/secrets/$1 ]] || head -c 32 /dev/urandom | od -An -vtx1 | tr -d ' \n' >"$dir/secrets/$1"
  cat "$dir/secrets/$1"
}

up() {
  local name
  mkdir -p "$dir"
  for name in zoneKek auditHmacKey streamsHmacKey gatewayStsHmacKey idempotencyHmacKey caracalAdminToken \
    caracalCoordinatorToken metricsBearer caracalAuthSecret consoleReportToken postgresPassword redisPassword; do secret "$name" >/dev/null; done
  if [[ -z ${DATABASE_URL:-} || -z ${REDIS_URL:-} ]]; then
    alive postgres || start_postgres
    alive redis || start_redis
    DATABASE_URL="postgres://caracal:$(secret postgresPassword)@127.0.0.1:$postgres_port/caracal"
    REDIS_URL="redis://:$(secret redisPassword)@127.0.0.1:$redis_port"
  fi

  # Schema, roles, grants, topics, users; the addresses of each service go into the secrets folder, where it looks for them.
  export CARACAL_SECRETS_DIR=$dir/secrets CARACAL_MODE=${CARACAL_MODE:-dev}
  DATABASE_URL=$DATABASE_URL REDIS_URL=$REDIS_URL "$root/caracal" provision
  unset DATABASE_URL REDIS_URL
  export ALLOW_PRIVATE_UPSTREAMS=${ALLOW_PRIVATE_UPSTREAMS:-true}
  for name in "${roles[@]}"; do
    mkdir -p "$dir/$name"
    alive "$name" || CARACAL_HOME=$dir/$name launch "$name" "$root/src/Caracal.Cli/bin/Release/net10.0/caracal" serve --role "$name"
  done

  for _ in $(seq 120); do
    if CARACAL_HOME=$dir "$root/caracal" status --ready --all >"$dir/status" 2>&1; then
      cat "$dir/status"
      printf '\ntry it:  CARACAL_HOME=%s CARACAL_SECRETS_DIR=%s %s/caracal demo --against\n' "$dir" "$dir/secrets" "$root"
      return
    fi
    sleep 0.5
  done
  cat "$dir/status" >&2
  echo "not everything became ready; the logs are in $dir" >&2
  return 1
}

# The door first, the evidence after it, the servers last.
down() {
  local name
  for name in console gateway api coordinator sts audit redis postgres; do
    alive "$name" || continue
    local pid signal=TERM
    pid=$(<"$dir/$name.pid")
    [[ $name == postgres ]] && signal=INT
    end_session "$pid" "$signal"
    while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
    rm -f "$dir/$name.pid"
    echo "ended $name"
  done
}

# Behind runuser the server is a child; the session that `launch` made holds both and nothing else.
end_session() { kill -s "$2" -- "-$1"; }

case ${1:-} in
  up) up ;;
  down) down ;;
  *)
    sed -n '2,7s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
    exit 1
    ;;
esac
