package cityloop.bench;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.streams.processor.PunctuationType;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.ProcessorSupplier;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.StoreBuilder;

/**
 * Validates, and combines what one camera says again of one category at one place into one group per commit.
 *
 * <p>A camera's place of a category is remembered while it is seen within the window, so that noise does not move it over a tile's border.
 * It is a hint only and may be lost: counts are never kept over a commit.
 */
final class Collector implements Processor<byte[], byte[], Long, Group> {
    private static final String HOOK = "collector";
    static final Duration IDLE = Duration.ofMillis(100);
    private static final Duration SWEEP = Duration.ofSeconds(30);

    private final Settings settings;
    private final double nearSquared;
    private final ReportReader reader = new ReportReader();
    private final Report report = new Report();
    private final Map<String, Spot> spots = new HashMap<>();
    private final List<Spot> dirty = new ArrayList<>();
    private final List<Group> others = new ArrayList<>();
    private ProcessorContext<Long, Group> context;
    private Group bad;
    private long recordMs;
    private long clockMs;
    private boolean busy;

    private Collector(Settings settings) {
        this.settings = settings;
        // Half the radius: a report that travels under the group's place is not much farther from the case than the radius.
        this.nearSquared = settings.radiusM() * settings.radiusM() / 4;
    }

    static ProcessorSupplier<byte[], byte[], Long, Group> supplier(Settings settings) {
        return new ProcessorSupplier<>() {
            @Override
            public Processor<byte[], byte[], Long, Group> get() {
                return new Collector(settings);
            }

            @Override
            public Set<StoreBuilder<?>> stores() {
                return Set.of(BeforeCommit.builder(HOOK));
            }
        };
    }

    @Override
    public void init(ProcessorContext<Long, Group> given) {
        context = given;
        spots.clear();
        dirty.clear();
        others.clear();
        bad = null;
        BeforeCommit.run(context, HOOK, this::flush);
        context.schedule(IDLE, PunctuationType.WALL_CLOCK_TIME, now -> flushWhenIdle());
        context.schedule(SWEEP, PunctuationType.WALL_CLOCK_TIME, now -> sweep());
    }

    @Override
    public void process(Record<byte[], byte[]> record) {
        busy = true;
        recordMs = record.timestamp();
        if (!reader.read(record.value(), report)) {
            if (bad == null) {
                bad = group(Group.Kind.BAD, "", 0, 0, 0, recordMs);
            }
            bad.add(report.id, recordMs);
            return;
        }
        clockMs = Math.max(clockMs, Math.min(report.timeMs, recordMs));
        if (!report.placed) {
            Group alone = group(Group.Kind.UNPLACED, report.category, 0, 0, hash(report), report.timeMs);
            alone.add(report.id, report.timeMs);
            others.add(alone);
            return;
        }
        Spot spot = spot();
        if (spot.pending == null) {
            spot.pending = group(Group.Kind.PLACED, spot.category, spot.lon, spot.lat, hash(report), report.timeMs);
            dirty.add(spot);
        }
        spot.add(report.id, report.timeMs);
    }

    private Spot spot() {
        Spot first = spots.get(report.source);
        for (Spot spot = first; spot != null; spot = spot.next) {
            if (spot.fits(report, nearSquared, settings.windowMs())) {
                return spot;
            }
        }
        Spot spot = new Spot(report, first);
        spots.put(report.source, spot);
        return spot;
    }

    private Group group(Group.Kind kind, String category, double lon, double lat, long id, long timeMs) {
        return new Group(kind, category, lon, lat, id, timeMs, settings.assign() ? new ArrayList<>() : null);
    }

    private void flush() {
        for (Spot spot : dirty) {
            forward(Geo.tileKey(spot.category, spot.lon, spot.lat), spot.pending);
            spot.pending = null;
        }
        dirty.clear();
        for (Group group : others) {
            forward(group.id, group);
        }
        others.clear();
        if (bad != null) {
            forward(0, bad);
            bad = null;
        }
    }

    private void forward(long key, Group group) {
        context.forward(new Record<>(key, group, recordMs));
    }

    private void flushWhenIdle() {
        if (!busy) {
            flush();
        }
        busy = false;
    }

    private void sweep() {
        spots.replaceAll((source, spot) -> spot.since(clockMs - settings.windowMs()));
        spots.values().removeIf(spot -> spot == Spot.GONE);
    }

    /** FNV-1a, 64 bits, over source and id. */
    private static long hash(Report report) {
        return hash(hash(0xcbf29ce484222325L, report.source) * 0x100000001b3L, report.id);
    }

    private static long hash(long from, String text) {
        long hash = from;
        for (int i = 0; i < text.length(); i++) {
            hash = (hash ^ text.charAt(i)) * 0x100000001b3L;
        }
        return hash;
    }
}
