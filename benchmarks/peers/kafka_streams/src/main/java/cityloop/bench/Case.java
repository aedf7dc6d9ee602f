package cityloop.bench;

import com.fasterxml.jackson.core.io.JsonStringEncoder;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** An open case, and what has been added to it since the last update. The changelog holds the former only. */
final class Case {
    private static final int FIXED = 2 * Double.BYTES + 2 * Long.BYTES;

    final String id;
    final String category;
    final double lon;
    final double lat;
    final double metresEast;
    long firstMs;
    long lastMs;
    private int added;
    private List<String> ids;

    Case(String id, String category, double lon, double lat, long firstMs, long lastMs) {
        this.id = id;
        this.category = category;
        this.lon = lon;
        this.lat = lat;
        this.metresEast = Geo.metresPerDegreeEast(lat);
        this.firstMs = firstMs;
        this.lastMs = lastMs;
    }

    boolean hasUpdate() {
        return added > 0;
    }

    void add(Group group) {
        added += group.n;
        firstMs = Math.min(firstMs, group.firstMs);
        lastMs = Math.max(lastMs, group.lastMs);
        if (group.ids != null) {
            if (ids == null) {
                ids = new ArrayList<>(group.ids.size());
            }
            ids.addAll(group.ids);
        }
    }

    /** The update as JSON; afterwards nothing has been added. */
    byte[] takeUpdate() {
        StringBuilder json = new StringBuilder(80);
        json.append("{\"case\":\"").append(id).append("\",\"n\":").append(added).append(",\"last\":").append(lastMs / 1000);
        if (ids != null) {
            json.append(",\"ids\":[");
            for (int i = 0; i < ids.size(); i++) {
                json.append(i == 0 ? "\"" : ",\"").append(JsonStringEncoder.getInstance().quoteAsString(ids.get(i))).append('"');
            }
            json.append(']');
        }
        added = 0;
        ids = null;
        return json.append('}').toString().getBytes(StandardCharsets.UTF_8);
    }

    byte[] state() {
        byte[] name = category.getBytes(StandardCharsets.UTF_8);
        return ByteBuffer.allocate(FIXED + name.length).putDouble(lon).putDouble(lat).putLong(firstMs).putLong(lastMs).put(name).array();
    }

    static Case of(String id, byte[] state) {
        ByteBuffer from = ByteBuffer.wrap(state);
        String category = new String(state, FIXED, state.length - FIXED, StandardCharsets.UTF_8);
        return new Case(id, category, from.getDouble(), from.getDouble(), from.getLong(), from.getLong());
    }
}
