#!/usr/bin/env bash
# Runs a command beside a real Apache Kafka: one KRaft process on loopback, in a folder that is thrown away afterwards. It asks for SASL
# (SCRAM-SHA-256) and has the ACLs of docs/kafka-access.md, for the topic prefixes t000- to t199-, each for a pipeline of the suite.
#
#   run.sh COMMAND...   the command sees AFTERSHOCK_TEST_KAFKA=host:port, and in AFTERSHOCK_TEST_KAFKA_USER and ..._PASSWORD an account that
#                       may do everything; the accounts operator, ingest, processor and query have the same password. Its exit code is ours
#   run.sh              Kafka alone, until it is interrupted
#
# Needs JDK 17 or newer and Maven, which fetches the libraries once (about 45 MB) and checks their checksums.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
version=$(sed -n '/<artifactId>kafka_2.13</{n;s/.*<version>\(.*\)<\/version>.*/\1/p}' "$here/pom.xml")
libraries="${XDG_CACHE_HOME:-$HOME/.cache}/aftershock/kafka/$version"

for tool in java mvn; do
    command -v "$tool" >/dev/null || { echo "run.sh: $tool is missing (make setup installs it)" >&2; exit 1; }
done

if [ ! -e "$libraries/complete-with-tools" ]; then
    echo "fetching Apache Kafka $version with Maven" >&2
    mkdir -p "$libraries"
    mvn --quiet --batch-mode -Dstyle.color=never --strict-checksums --file "$here/pom.xml" dependency:copy-dependencies \
        -DincludeScope=runtime -DoutputDirectory="$libraries" >&2
    touch "$libraries/complete-with-tools"
fi

work=$(mktemp -d)
kafka_pid=
cleanup() {
    if [ -n "$kafka_pid" ] && kill "$kafka_pid" 2>/dev/null; then
        # A broker that does not leave in 20 seconds has nothing worth waiting for: its folder goes away.
        for _ in $(seq 200); do kill -0 "$kafka_pid" 2>/dev/null || break; sleep 0.1; done
        kill -9 "$kafka_pid" 2>/dev/null || true
        wait "$kafka_pid" 2>/dev/null || true
    fi
    rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Nothing answers there, and it lies below the range from which the system takes ports by itself.
free_port() {
    local port
    while :; do
        port=$((20000 + RANDOM % 10000))
        (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
    done
}

configure() {
    cat >"$work/server.properties" <<PROPERTIES
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$controller
controller.listener.names=CONTROLLER
listeners=SASL_PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$controller
advertised.listeners=SASL_PLAINTEXT://127.0.0.1:$port
listener.security.protocol.map=SASL_PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=SASL_PLAINTEXT
sasl.enabled.mechanisms=SCRAM-SHA-256
sasl.mechanism.inter.broker.protocol=SCRAM-SHA-256
listener.name.sasl_plaintext.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required username="suite" password="$password";
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:suite;User:ANONYMOUS
log.dirs=$work/data
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
log.initial.task.delay.ms=500
log.retention.check.interval.ms=300
log.cleaner.backoff.ms=200
PROPERTIES
}

java_options=(-Xmx512m -Dorg.slf4j.simpleLogger.defaultLogLevel=warn -Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info)
# For as long as this Kafka lives; it holds nothing but what tests put there.
password=$(head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n')
accounts=()
for user in suite operator ingest processor query; do
    accounts+=(--add-scram "SCRAM-SHA-256=[name=$user,password=$password]")
done

# Adds an ACL as the documented line says, for every prefix: @ stands for it.
acls() {
    local expanded=() before= argument number
    for argument in "$@"; do
        if [ "${argument#@}" = "$argument" ]; then
            expanded+=("$argument")
        else
            unset 'expanded[-1]'
            for number in $(seq -w 0 199); do expanded+=("$before" "t$number-${argument#@}"); done
        fi
        before=$argument
    done
    # A program that lives for a second gains nothing from the slower, better compiler.
    java "${java_options[@]}" -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -cp "$libraries/*" org.apache.kafka.tools.AclCommand --bootstrap-server "127.0.0.1:$port" \
        --command-config "$work/client.properties" --add "${expanded[@]}" >"$work/acls.log" 2>&1 ||
        { echo "run.sh: an ACL could not be added: $*" >&2; tail -n 5 "$work/acls.log" >&2; return 1; }
}

# The very lines of the documentation.
allow() {
    cat >"$work/client.properties" <<PROPERTIES
security.protocol=SASL_PLAINTEXT
sasl.mechanism=SCRAM-SHA-256
sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required username="suite" password="$password";
PROPERTIES
    local PREFIX=@ lines line
    lines=$(grep '^acls --allow-principal ' "$here/../../../docs/kafka-access.md")
    while IFS= read -r line; do eval "$line" </dev/null || return 1; done <<<"$lines"
}

cluster="A$(head -c 16 /dev/urandom | base64 | tr '+/' '-_' | cut -c 2-22)"

start() {
    port=$(free_port)
    controller=$(free_port)
    rm -rf "$work/data"
    configure
    java "${java_options[@]}" -cp "$libraries/*" kafka.tools.StorageTool format \
        --cluster-id "$cluster" "${accounts[@]}" --config "$work/server.properties" >"$work/kafka.log" 2>&1 || return 1
    java "${java_options[@]}" -cp "$libraries/*" kafka.Kafka "$work/server.properties" >>"$work/kafka.log" 2>&1 &
    kafka_pid=$!
    for _ in $(seq 600); do
        if grep -q 'Kafka Server started' "$work/kafka.log"; then return 0; fi
        if ! kill -0 "$kafka_pid" 2>/dev/null; then break; fi
        sleep 0.1
    done
    kill -9 "$kafka_pid" 2>/dev/null || true
    wait "$kafka_pid" 2>/dev/null || true
    kafka_pid=
    return 1
}

# A port can be taken between our look and Kafka's: then another try finds another one.
started=
for _ in 1 2 3; do
    if start; then started=yes; break; fi
done
if [ -z "$started" ]; then
    echo "run.sh: Apache Kafka did not start; the end of its log:" >&2
    tail -n 30 "$work/kafka.log" >&2
    exit 1
fi
allow
echo "Apache Kafka $version answers at 127.0.0.1:$port" >&2

export AFTERSHOCK_TEST_KAFKA="127.0.0.1:$port" AFTERSHOCK_TEST_KAFKA_USER=suite AFTERSHOCK_TEST_KAFKA_PASSWORD=$password
if [ $# -eq 0 ]; then
    (umask 077 && env | grep '^AFTERSHOCK_TEST_KAFKA' >"$work/environment")
    echo "its accounts are in $work/environment" >&2
    wait "$kafka_pid"
else
    "$@"
fi
