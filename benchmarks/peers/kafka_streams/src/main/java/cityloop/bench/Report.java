package cityloop.bench;

/** What is kept of one report; filled anew for each record by {@link ReportReader}. */
final class Report {
    String id;
    String source;
    String category;
    boolean placed;
    double lon;
    double lat;
    long timeMs;

    void clear() {
        id = null;
        source = null;
        category = null;
        placed = false;
    }
}
