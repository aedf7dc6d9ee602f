package cityloop.bench;

/** A place where one camera has seen one category; the spots of a camera are a short list. */
final class Spot {
    /** Stands for an empty list. */
    static final Spot GONE = new Spot();

    final String category;
    final double lon;
    final double lat;
    private final double metresEast;
    private long firstMs;
    private long lastMs;
    Group pending;
    Spot next;

    private Spot() {
        category = "";
        lon = 0;
        lat = 0;
        metresEast = 0;
    }

    Spot(Report report, Spot next) {
        this.category = report.category;
        this.lon = report.lon;
        this.lat = report.lat;
        this.metresEast = Geo.metresPerDegreeEast(report.lat);
        this.firstMs = report.timeMs;
        this.lastMs = report.timeMs;
        this.next = next;
    }

    boolean fits(Report report, double nearSquared, long windowMs) {
        return report.timeMs - lastMs < windowMs
                && firstMs - report.timeMs < windowMs
                && category.equals(report.category)
                && Geo.squared(lon, lat, report.lon, report.lat, metresEast) <= nearSquared;
    }

    void add(String reportId, long timeMs) {
        firstMs = Math.min(firstMs, timeMs);
        lastMs = Math.max(lastMs, timeMs);
        pending.add(reportId, timeMs);
    }

    /** The list without what was last seen before, and has nothing pending; GONE when nothing is left. */
    Spot since(long ms) {
        Spot kept = GONE;
        for (Spot spot = this, following; spot != null; spot = following) {
            following = spot.next;
            if (spot.lastMs >= ms || spot.pending != null) {
                spot.next = kept == GONE ? null : kept;
                kept = spot;
            }
        }
        return kept;
    }
}
