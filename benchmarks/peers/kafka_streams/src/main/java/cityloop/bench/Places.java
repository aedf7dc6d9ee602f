package cityloop.bench;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The open cases of a partition by category and cell of twice the radius; a look-up visits every cell that the circle touches. */
final class Places {
    private final double radiusM;
    private final double edge;
    private final Map<String, Map<Long, List<Case>>> cells = new HashMap<>();

    Places(double radiusM) {
        this.radiusM = radiusM;
        this.edge = 2 * radiusM / Geo.METRES_PER_DEGREE;
    }

    void clear() {
        cells.clear();
    }

    void add(Case open) {
        cells.computeIfAbsent(open.category, name -> new HashMap<>())
                .computeIfAbsent(Geo.cell(index(open.lon), index(open.lat)), cell -> new ArrayList<>(2))
                .add(open);
    }

    void remove(Case open) {
        Map<Long, List<Case>> ofCategory = cells.get(open.category);
        long cell = Geo.cell(index(open.lon), index(open.lat));
        List<Case> here = ofCategory.get(cell);
        here.remove(open);
        if (here.isEmpty()) {
            ofCategory.remove(cell);
        }
    }

    /** The nearest case within the radius whose sightings are less than the window apart from the group's, or null. */
    Case nearest(Group group, long windowMs) {
        Map<Long, List<Case>> ofCategory = cells.get(group.category);
        if (ofCategory == null) {
            return null;
        }
        double north = radiusM / Geo.METRES_PER_DEGREE;
        double east = radiusM / Geo.metresPerDegreeEast(Math.min(89, Math.abs(group.lat) + north));
        double best = radiusM * radiusM;
        Case nearest = null;
        for (int x = index(group.lon - east); x <= index(group.lon + east); x++) {
            for (int y = index(group.lat - north); y <= index(group.lat + north); y++) {
                for (Case open : ofCategory.getOrDefault(Geo.cell(x, y), List.of())) {
                    double squared = Geo.squared(group.lon, group.lat, open.lon, open.lat, open.metresEast);
                    boolean timely = group.firstMs - open.lastMs < windowMs && open.firstMs - group.lastMs < windowMs;
                    if (timely && (nearest == null ? squared <= best : squared < best)) {
                        best = squared;
                        nearest = open;
                    }
                }
            }
        }
        return nearest;
    }

    private int index(double degrees) {
        return (int) Math.floor(degrees / edge);
    }
}
