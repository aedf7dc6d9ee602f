package cityloop.bench;

import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;

/** The process: runs the topology until SIGTERM and closes it cleanly; ends with 1 when a stream thread dies. */
public final class Main {
    private Main() {}

    public static void main(String[] words) throws InterruptedException {
        Map<String, String> environment = System.getenv();
        KafkaStreams streams = new KafkaStreams(SiftTopology.of(Settings.of(environment)), Settings.streams(environment));
        CountDownLatch ended = new CountDownLatch(1);
        streams.setUncaughtExceptionHandler(error -> {
            error.printStackTrace();
            ended.countDown();
            return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
        Runtime.getRuntime().addShutdownHook(new Thread(() -> streams.close(Duration.ofSeconds(30))));
        streams.start();
        ended.await();
        System.exit(1);
    }
}
