package cityloop.bench;

import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.processor.UsePartitionTimeOnInvalidTimestamp;

/** What the environment says, and the tuning that follows from it. Distances in metres, times in milliseconds. */
record Settings(String in, String out, double radiusM, long windowMs, boolean assign) {
    static Settings of(Map<String, String> environment) {
        return new Settings(
                required(environment, "BENCH_IN"),
                required(environment, "BENCH_OUT"),
                Double.parseDouble(environment.getOrDefault("BENCH_RADIUS_M", "50")),
                Long.parseLong(environment.getOrDefault("BENCH_WINDOW_S", "7200")) * 1000,
                environment.getOrDefault("BENCH_ASSIGN", "0").equals("1"));
    }

    /** Kafka Streams for throughput: large fetches and batches, one commit (and so one update per case) every BENCH_COMMIT_MS. */
    static Properties streams(Map<String, String> environment) {
        Properties set = new Properties();
        set.put(StreamsConfig.APPLICATION_ID_CONFIG, required(environment, "BENCH_GROUP"));
        set.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, required(environment, "BENCH_BOOTSTRAP"));
        set.put(StreamsConfig.STATE_DIR_CONFIG, required(environment, "BENCH_STATE"));
        set.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, environment.getOrDefault("BENCH_THREADS", "1"));
        set.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, environment.getOrDefault("BENCH_GUARANTEE", StreamsConfig.AT_LEAST_ONCE));
        set.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, environment.getOrDefault("BENCH_COMMIT_MS", "1000"));
        set.put(StreamsConfig.DEFAULT_KEY_SERDE_CLASS_CONFIG, Serdes.ByteArraySerde.class);
        set.put(StreamsConfig.DEFAULT_VALUE_SERDE_CLASS_CONFIG, Serdes.ByteArraySerde.class);
        set.put(StreamsConfig.DEFAULT_TIMESTAMP_EXTRACTOR_CLASS_CONFIG, UsePartitionTimeOnInvalidTimestamp.class);
        set.put(StreamsConfig.BUFFERED_RECORDS_PER_PARTITION_CONFIG, 10_000);
        set.put(StreamsConfig.TOPOLOGY_OPTIMIZATION_CONFIG, StreamsConfig.OPTIMIZE);
        set.put(StreamsConfig.consumerPrefix(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG), "earliest");
        set.put(StreamsConfig.consumerPrefix(ConsumerConfig.MAX_POLL_RECORDS_CONFIG), 5_000);
        set.put(StreamsConfig.consumerPrefix(ConsumerConfig.MAX_PARTITION_FETCH_BYTES_CONFIG), 4 << 20);
        set.put(StreamsConfig.producerPrefix(ProducerConfig.LINGER_MS_CONFIG), 20);
        set.put(StreamsConfig.producerPrefix(ProducerConfig.BATCH_SIZE_CONFIG), 256 << 10);
        set.put(StreamsConfig.producerPrefix(ProducerConfig.BUFFER_MEMORY_CONFIG), 64 << 20);
        set.put(StreamsConfig.producerPrefix(ProducerConfig.MAX_REQUEST_SIZE_CONFIG), 4 << 20);
        return set;
    }

    private static String required(Map<String, String> environment, String name) {
        String value = environment.get(name);
        if (value == null || value.isEmpty()) {
            throw new IllegalArgumentException(name + " is not set; README.md lists what the environment must hold");
        }
        return value;
    }
}
