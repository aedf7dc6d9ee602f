"""The one home of Kafka, Redis and Prometheus clients, each store beside its in-memory twin."""
