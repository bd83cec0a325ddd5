#!/usr/bin/env bash
# Runs a command beside a real Apache Kafka: one KRaft process on loopback, in a folder that is thrown away afterwards.
#
#   run.sh COMMAND...   the command sees AFTERSHOCK_TEST_KAFKA=host:port; its exit code is ours
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

if [ ! -e "$libraries/complete" ]; then
    echo "fetching Apache Kafka $version with Maven" >&2
    mkdir -p "$libraries"
    mvn --quiet --batch-mode -Dstyle.color=never --strict-checksums --file "$here/pom.xml" dependency:copy-dependencies \
        -DincludeScope=runtime -DoutputDirectory="$libraries" >&2
    touch "$libraries/complete"
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
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$controller
advertised.listeners=PLAINTEXT://127.0.0.1:$port
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
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
cluster="A$(head -c 16 /dev/urandom | base64 | tr '+/' '-_' | cut -c 2-22)"

start() {
    port=$(free_port)
    controller=$(free_port)
    rm -rf "$work/data"
    configure
    java "${java_options[@]}" -cp "$libraries/*" kafka.tools.StorageTool format \
        --cluster-id "$cluster" --config "$work/server.properties" >"$work/kafka.log" 2>&1 || return 1
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
echo "Apache Kafka $version answers at 127.0.0.1:$port" >&2

if [ $# -eq 0 ]; then
    wait "$kafka_pid"
else
    AFTERSHOCK_TEST_KAFKA="127.0.0.1:$port" "$@"
fi
