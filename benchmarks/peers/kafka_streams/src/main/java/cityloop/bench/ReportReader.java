package cityloop.bench;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.util.JsonRecyclerPools;
import java.io.IOException;
import java.util.Set;

/**
 * Reads and validates a report in one pass of Jackson's streaming parser, which needs neither a tree nor objects.
 *
 * <p>Required: specversion 1.0, id, source, type, time with an offset, category, channel, and a place (both coordinates) or what a place
 * could be looked up by. Ranges of coordinates, confidence and accuracy, the words of channel and severity, and lengths are checked; no
 * member of the envelope or of the data may come twice, and nothing may follow the object.
 */
final class ReportReader {
    private static final Set<String> CHANNELS = Set.of("satellite", "drone", "high_video", "low_video", "algorithm", "iot",
            "grid_worker", "hotline", "app", "business_data");
    private static final Set<String> SEVERITIES = Set.of("emergency", "major", "normal", "minor");
    private static final Set<String> DATUMS = Set.of("wgs84", "gcj02", "bd09");
    private static final int SHORT = 256;
    private static final int ALL_OF_THE_ENVELOPE = 0b111111;
    private static final int CATEGORY_AND_CHANNEL = 0b11;

    private final JsonFactory factory = JsonFactory.builder()
            .recyclerPool(JsonRecyclerPools.threadLocalPool())
            .enable(StreamReadFeature.USE_FAST_DOUBLE_PARSER)
            .build();
    private final Rfc3339 times = new Rfc3339();
    private boolean findable;

    /** Whether it is a report; if not, `report` holds its id where that could be read. */
    boolean read(byte[] value, Report report) {
        report.clear();
        findable = false;
        if (value == null) {
            return false;
        }
        try (JsonParser parser = factory.createParser(value)) {
            return parser.nextToken() == JsonToken.START_OBJECT
                    && envelope(parser, report)
                    && parser.nextToken() == null
                    && (report.placed || findable);
        } catch (IOException notJson) {
            return false;
        }
    }

    private boolean envelope(JsonParser parser, Report report) throws IOException {
        int seen = 0;
        for (String name = parser.nextFieldName(); name != null; name = parser.nextFieldName()) {
            int bit;
            boolean good;
            switch (name) {
                case "specversion" -> {
                    bit = 1;
                    good = "1.0".equals(parser.nextTextValue());
                }
                case "id" -> {
                    bit = 2;
                    good = (report.id = text(parser, SHORT)) != null;
                }
                case "source" -> {
                    bit = 4;
                    good = (report.source = text(parser, SHORT)) != null;
                }
                case "type" -> {
                    bit = 8;
                    good = "city.incident.reported.v1".equals(parser.nextTextValue());
                }
                case "time" -> {
                    bit = 16;
                    String time = text(parser, 64);
                    good = time != null && (report.timeMs = times.millis(time)) != Rfc3339.NONE;
                }
                case "data" -> {
                    bit = 32;
                    good = parser.nextToken() == JsonToken.START_OBJECT && data(parser, report);
                }
                default -> {
                    bit = 0;
                    good = skipped(parser);
                }
            }
            if (!good || (seen & bit) != 0) {
                return false;
            }
            seen |= bit;
        }
        return seen == ALL_OF_THE_ENVELOPE;
    }

    private boolean data(JsonParser parser, Report report) throws IOException {
        int seen = 0;
        for (String name = parser.nextFieldName(); name != null; name = parser.nextFieldName()) {
            int bit;
            boolean good;
            switch (name) {
                case "category" -> {
                    bit = 1;
                    good = (report.category = text(parser, SHORT)) != null;
                }
                case "channel" -> {
                    bit = 2;
                    String channel = parser.nextTextValue();
                    good = channel != null && CHANNELS.contains(channel);
                }
                case "location" -> {
                    bit = 4;
                    good = optional(parser.nextToken(), JsonToken.START_OBJECT) && location(parser, report);
                }
                case "confidence" -> {
                    bit = 8;
                    good = number(parser, 0, 1);
                }
                case "severity" -> {
                    bit = 16;
                    good = word(parser, SEVERITIES);
                }
                case "description" -> {
                    bit = 32;
                    good = optional(parser.nextToken(), JsonToken.VALUE_STRING) && parser.getTextLength() <= 8000;
                }
                case "address", "part_id", "building" -> {
                    bit = 0;
                    findable |= parser.nextToken() != JsonToken.VALUE_NULL;
                    parser.skipChildren();
                    good = true;
                }
                default -> {
                    bit = 0;
                    good = skipped(parser);
                }
            }
            if (!good || (seen & bit) != 0) {
                return false;
            }
            seen |= bit;
        }
        return (seen & CATEGORY_AND_CHANNEL) == CATEGORY_AND_CHANNEL;
    }

    private boolean location(JsonParser parser, Report report) throws IOException {
        if (parser.currentToken() == JsonToken.VALUE_NULL) {
            return true;
        }
        int seen = 0;
        for (String name = parser.nextFieldName(); name != null; name = parser.nextFieldName()) {
            boolean good;
            int bit = 0;
            switch (name) {
                case "lon" -> {
                    bit = 1;
                    good = parser.nextToken().isNumeric() && Math.abs(report.lon = parser.getDoubleValue()) <= 180;
                }
                case "lat" -> {
                    bit = 2;
                    good = parser.nextToken().isNumeric() && Math.abs(report.lat = parser.getDoubleValue()) <= 90;
                }
                case "accuracy_m" -> good = number(parser, 0, 100_000);
                case "datum" -> good = word(parser, DATUMS);
                case "address" -> {
                    findable |= parser.nextToken() == JsonToken.VALUE_STRING;
                    good = true;
                }
                default -> good = skipped(parser);
            }
            if (!good || (seen & bit) != 0) {
                return false;
            }
            seen |= bit;
        }
        report.placed = seen == 0b11;
        return true;
    }

    private static String text(JsonParser parser, int longest) throws IOException {
        String text = parser.nextTextValue();
        return text == null || text.isEmpty() || text.length() > longest ? null : text;
    }

    private static boolean number(JsonParser parser, double least, double most) throws IOException {
        JsonToken token = parser.nextToken();
        if (token == JsonToken.VALUE_NULL) {
            return true;
        }
        if (!token.isNumeric()) {
            return false;
        }
        double value = parser.getDoubleValue();
        return value >= least && value <= most;
    }

    private static boolean word(JsonParser parser, Set<String> words) throws IOException {
        return optional(parser.nextToken(), JsonToken.VALUE_STRING)
                && (parser.currentToken() == JsonToken.VALUE_NULL || words.contains(parser.getText()));
    }

    private static boolean optional(JsonToken token, JsonToken wanted) {
        return token == wanted || token == JsonToken.VALUE_NULL;
    }

    private static boolean skipped(JsonParser parser) throws IOException {
        parser.nextToken();
        parser.skipChildren();
        return true;
    }
}
