package cityloop.bench;

import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.Repartitioned;

/**
 * Reports by camera → {@link Collector} → repartition by category and tile → {@link Sifter} → updates by case.
 *
 * <p>The collector combines before the shuffle: what one camera says again and again of one place crosses the repartition topic once per
 * commit. The sifter sees every camera of a place, so that cases do not depend on which partition a camera is in.
 */
final class SiftTopology {
    private SiftTopology() {}

    static Topology of(Settings settings) {
        StreamsBuilder builder = new StreamsBuilder();
        builder.stream(settings.in(), Consumed.with(Serdes.ByteArray(), Serdes.ByteArray()))
                .process(Collector.supplier(settings))
                .repartition(Repartitioned.with(Serdes.Long(), GroupSerde.serde()).withName("by-place"))
                .process(Sifter.supplier(settings))
                .to(settings.out(), Produced.with(Serdes.String(), Serdes.ByteArray()));
        return builder.build();
    }
}
