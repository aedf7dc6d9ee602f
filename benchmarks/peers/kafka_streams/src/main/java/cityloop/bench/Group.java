package cityloop.bench;

import java.util.List;

/** Reports of one camera, category and place since the last commit: what crosses the repartition topic. */
final class Group {
    /** What decides about it: a place, a case of its own (its place is unknown), or nothing (its reports are bad). */
    enum Kind { PLACED, UNPLACED, BAD }

    final Kind kind;
    final String category;
    final double lon;
    final double lat;
    /** Hash of source and id of its first report: names the case that it may open. */
    final long id;
    int n;
    long firstMs;
    long lastMs;
    /** CloudEvents ids, or null when nobody asked for them. */
    final List<String> ids;

    Group(Kind kind, String category, double lon, double lat, long id, long timeMs, List<String> ids) {
        this.kind = kind;
        this.category = category;
        this.lon = lon;
        this.lat = lat;
        this.id = id;
        this.firstMs = timeMs;
        this.lastMs = timeMs;
        this.ids = ids;
    }

    void add(String reportId, long timeMs) {
        n++;
        firstMs = Math.min(firstMs, timeMs);
        lastMs = Math.max(lastMs, timeMs);
        if (ids != null && reportId != null) {
            ids.add(reportId);
        }
    }
}
