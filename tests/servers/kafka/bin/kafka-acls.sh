#!/usr/bin/env bash
# Apache Kafka's command of this name, from the jars that kafka.sh fetched.
exec java -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Dorg.slf4j.simpleLogger.defaultLogLevel=error \
  -cp "$(dirname "$0")/../../../../build/kafka/jars/*" org.apache.kafka.tools.AclCommand "$@"
