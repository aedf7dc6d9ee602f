package cityloop.bench;

/** Places in degrees (WGS-84); distances in metres, equirectangular at the first place's latitude: exact to 1e-4 within some kilometres. */
final class Geo {
    static final double METRES_PER_DEGREE = 111_195.0;

    /** Edge of a tile, the unit of the repartition: about 11 km by 9 km at 36 degrees north. */
    private static final double TILE = 0.1;

    private Geo() {}

    static double metresPerDegreeEast(double lat) {
        return METRES_PER_DEGREE * Math.cos(Math.toRadians(lat));
    }

    /** Square of the distance; {@code metresEast} belongs to one of the two latitudes. */
    static double squared(double lon, double lat, double otherLon, double otherLat, double metresEast) {
        double east = (lon - otherLon) * metresEast;
        double north = (lat - otherLat) * METRES_PER_DEGREE;
        return east * east + north * north;
    }

    /** The key of the repartition. Two tiles of one key merely share a partition. */
    static long tileKey(String category, double lon, double lat) {
        return (long) category.hashCode() << 32 | cell((int) Math.floor(lon / TILE), (int) Math.floor(lat / TILE)) & 0xFFFF_FFFFL;
    }

    static long cell(int x, int y) {
        return (long) x * 1_000_003L + y;
    }
}
