package cityloop.bench;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.processor.PunctuationType;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.ProcessorSupplier;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;

/**
 * Decides: does a group join an open case within radius and window, or open one? Says one update per case and commit.
 *
 * <p>The durable state is an in-memory key-value store with a changelog, written once per changed case and commit; what is asked is an index
 * over it in plain objects, read from the store when a task begins. A case leaves both two windows after it was last seen, by the events'
 * own time: late reports find it until then.
 */
final class Sifter implements Processor<Long, Group, String, byte[]> {
    private static final String HOOK = "sifter";
    private static final String STORE = "cases";
    private static final Duration SWEEP = Duration.ofSeconds(30);

    private final Settings settings;
    private final Places places;
    private final Map<String, Case> cases = new HashMap<>();
    private final List<Case> dirty = new ArrayList<>();
    private final Case none = new Case("", "", 0, 0, 0, 0);
    private ProcessorContext<String, byte[]> context;
    private KeyValueStore<String, byte[]> store;
    private long recordMs;
    private long clockMs;
    private boolean busy;

    private Sifter(Settings settings) {
        this.settings = settings;
        this.places = new Places(settings.radiusM());
    }

    static ProcessorSupplier<Long, Group, String, byte[]> supplier(Settings settings) {
        return new ProcessorSupplier<>() {
            @Override
            public Processor<Long, Group, String, byte[]> get() {
                return new Sifter(settings);
            }

            @Override
            public Set<StoreBuilder<?>> stores() {
                return Set.of(
                        BeforeCommit.builder(HOOK),
                        Stores.keyValueStoreBuilder(Stores.inMemoryKeyValueStore(STORE), Serdes.String(), Serdes.ByteArray())
                                .withCachingDisabled());
            }
        };
    }

    @Override
    public void init(ProcessorContext<String, byte[]> given) {
        context = given;
        store = context.getStateStore(STORE);
        cases.clear();
        places.clear();
        dirty.clear();
        try (KeyValueIterator<String, byte[]> all = store.all()) {
            all.forEachRemaining(row -> keep(Case.of(row.key, row.value)));
        }
        BeforeCommit.run(context, HOOK, this::flush);
        context.schedule(Collector.IDLE, PunctuationType.WALL_CLOCK_TIME, now -> flushWhenIdle());
        context.schedule(SWEEP, PunctuationType.WALL_CLOCK_TIME, now -> sweep());
    }

    private void keep(Case open) {
        cases.put(open.id, open);
        places.add(open);
        clockMs = Math.max(clockMs, Math.min(open.lastMs, System.currentTimeMillis()));
    }

    @Override
    public void process(Record<Long, Group> record) {
        busy = true;
        recordMs = record.timestamp();
        Group group = record.value();
        Case found = switch (group.kind) {
            case BAD -> none;
            case UNPLACED -> new Case(name(group), group.category, 0, 0, group.firstMs, group.lastMs);
            case PLACED -> place(group);
        };
        if (!found.hasUpdate()) {
            dirty.add(found);
        }
        found.add(group);
    }

    private Case place(Group group) {
        clockMs = Math.max(clockMs, Math.min(group.lastMs, recordMs));
        Case near = places.nearest(group, settings.windowMs());
        if (near != null) {
            return near;
        }
        Case opened = new Case(name(group), group.category, group.lon, group.lat, group.firstMs, group.lastMs);
        cases.put(opened.id, opened);
        places.add(opened);
        return opened;
    }

    private static String name(Group group) {
        return Long.toHexString(group.id);
    }

    private void flush() {
        for (Case changed : dirty) {
            if (cases.get(changed.id) == changed) {
                store.put(changed.id, changed.state());
            }
            context.forward(new Record<>(changed.id, changed.takeUpdate(), recordMs));
        }
        dirty.clear();
    }

    private void flushWhenIdle() {
        if (!busy) {
            flush();
        }
        busy = false;
    }

    private void sweep() {
        cases.values().removeIf(open -> {
            boolean over = !open.hasUpdate() && clockMs - open.lastMs > 2 * settings.windowMs();
            if (over) {
                places.remove(open);
                store.delete(open.id);
            }
            return over;
        });
    }
}
