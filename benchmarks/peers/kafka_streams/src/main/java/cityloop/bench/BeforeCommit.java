package cityloop.bench;

import java.util.Map;
import org.apache.kafka.streams.processor.StateStore;
import org.apache.kafka.streams.processor.StateStoreContext;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.internals.InternalProcessorContext;
import org.apache.kafka.streams.processor.internals.ProcessorNode;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.internals.CacheFlushListener;
import org.apache.kafka.streams.state.internals.CachedStateStore;

/**
 * A store without content that is flushed before every commit, as the record cache is: what a processor has collected in memory is
 * forwarded then, so that no offset is ever committed whose report is not counted downstream (also at a clean stop and a rebalance, and
 * inside the transaction with exactly_once_v2).
 *
 * <p>Uses the same internal hook as the DSL's caching stores; the public ways (a cached store per report, or a changelogged store of
 * what is pending) cost a serialisation and a tree look-up per report, or a changelog record per group more.
 */
final class BeforeCommit implements StateStore, CachedStateStore<Object, Object> {
    private final String name;
    private Runnable action = () -> {};
    private boolean open;

    private BeforeCommit(String name) {
        this.name = name;
    }

    static StoreBuilder<BeforeCommit> builder(String name) {
        return new Builder(name);
    }

    /** From `init` of the processor: runs {@code flush} before each commit as if the processor itself were being called. */
    static <K, V> void run(ProcessorContext<K, V> context, String name, Runnable flush) {
        InternalProcessorContext<K, V> inside = (InternalProcessorContext<K, V>) context;
        ProcessorNode<?, ?, ?, ?> node = inside.currentNode();
        BeforeCommit store = context.getStateStore(name);
        store.action = () -> {
            ProcessorNode<?, ?, ?, ?> before = inside.currentNode();
            inside.setCurrentNode(node);
            try {
                flush.run();
            } finally {
                inside.setCurrentNode(before);
            }
        };
    }

    @Override
    public void flushCache() {
        action.run();
    }

    @Override
    public void init(StateStoreContext context, StateStore root) {
        context.register(root, (key, value) -> {});
        open = true;
    }

    @Override
    public void close() {
        action = () -> {};
        open = false;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public boolean isOpen() {
        return open;
    }

    @Override
    public boolean persistent() {
        return false;
    }

    @Override
    public void flush() {}

    @Override
    public void clearCache() {}

    @Override
    public boolean setFlushListener(CacheFlushListener<Object, Object> listener, boolean sendOldValues) {
        return false;
    }

    private record Builder(String name) implements StoreBuilder<BeforeCommit> {
        @Override
        public BeforeCommit build() {
            return new BeforeCommit(name);
        }

        @Override
        public StoreBuilder<BeforeCommit> withCachingEnabled() {
            return this;
        }

        @Override
        public StoreBuilder<BeforeCommit> withCachingDisabled() {
            return this;
        }

        @Override
        public StoreBuilder<BeforeCommit> withLoggingEnabled(Map<String, String> config) {
            throw new UnsupportedOperationException("it has no content");
        }

        @Override
        public StoreBuilder<BeforeCommit> withLoggingDisabled() {
            return this;
        }

        @Override
        public Map<String, String> logConfig() {
            return Map.of();
        }

        @Override
        public boolean loggingEnabled() {
            return false;
        }
    }
}
