package cityloop.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.TestInputTopic;
import org.apache.kafka.streams.TestOutputTopic;
import org.apache.kafka.streams.TopologyTestDriver;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SiftTopologyTest {
    private static final Instant NOON = Instant.parse("2026-11-21T04:00:00Z");
    private static final double LON = 120.38;
    private static final double LAT = 36.07;
    private static final double METRES = 1 / Geo.METRES_PER_DEGREE;

    @TempDir
    Path folder;

    private final ObjectMapper json = new ObjectMapper();
    private TopologyTestDriver driver;
    private TestInputTopic<String, byte[]> in;
    private TestOutputTopic<String, byte[]> out;
    private int sent;

    @BeforeEach
    void start() {
        Map<String, String> environment = Map.of("BENCH_IN", "in", "BENCH_OUT", "out", "BENCH_GROUP", "test", "BENCH_ASSIGN", "1",
                "BENCH_BOOTSTRAP", "nowhere:1", "BENCH_STATE", folder.toString());
        driver = new TopologyTestDriver(SiftTopology.of(Settings.of(environment)), Settings.streams(environment), NOON);
        in = driver.createInputTopic("in", new StringSerializer(), new ByteArraySerializer());
        out = driver.createOutputTopic("out", new StringDeserializer(), new ByteArrayDeserializer());
    }

    @AfterEach
    void stop() {
        driver.close();
    }

    @Test
    void anotherCameraWithinRadiusAndWindowJoins() throws IOException {
        String first = see("/cameras/1", 0, 0);
        assertEquals(first, see("/cameras/2", 49, 0));
        assertEquals(first, see("/cameras/3", 0, 7199));
        assertEquals(first, see("/cameras/4", 0, 2 * 7198), "the window slides with what was seen last");
    }

    @Test
    void beyondRadiusOrWindowAnotherCaseIsOpened() throws IOException {
        String first = see("/cameras/1", 0, 0);
        assertNotEquals(first, see("/cameras/2", 51, 0));
        assertNotEquals(first, see("/cameras/1", -51, 0));
        assertNotEquals(first, see("/cameras/1", 0, 7200));
    }

    @Test
    void anotherCategoryIsAnotherCase() throws IOException {
        assertNotEquals(see("/cameras/1", 0, 0), sent("/cameras/1", report("/cameras/1", "street_stall", 0, 0)));
    }

    @Test
    void aLateReportJoinsTheCaseThatWasOpenThen() throws IOException {
        String first = see("/cameras/1", 0, 0);
        see("/cameras/2", 500, 7100);
        assertEquals(first, see("/cameras/3", 0, -600));
    }

    @Test
    void neighboursAcrossTheBordersOfCellsAndTilesAreOneCase() throws IOException {
        double border = 36.1;
        String below = sent("a", report("a", "road_spillage", (border - LAT) / METRES - 20, 0));
        assertEquals(below, sent("b", report("b", "road_spillage", (border - LAT) / METRES + 20, 0)));
    }

    @Test
    void aReportWithoutPointIsACaseOfItsOwn() throws IOException {
        String value = report("/hotline/1", "road_spillage", 0, 0).replaceFirst("\"location\":\\{.*?\\}", "\"address\":\"Xianggang Rd 9\"");
        assertNotEquals(sent("/hotline/1", value), sent("/hotline/1", value.replace("\"id\":\"", "\"id\":\"x")));
    }

    @Test
    void sumsAreExactAndEveryIdIsNamedOnce() throws IOException {
        for (int i = 0; i < 300; i++) {
            String source = "/cameras/" + i % 7;
            in.pipeInput(source, bytes(report(source, "road_spillage", i % 5 * 30, i)));
        }
        Map<String, Integer> sums = new HashMap<>();
        List<String> ids = new ArrayList<>();
        for (KeyValue<String, byte[]> update : out.readKeyValuesToList()) {
            JsonNode value = json.readTree(update.value);
            assertEquals(update.key, value.get("case").asText());
            assertEquals(value.get("n").asInt(), value.get("ids").size());
            value.get("ids").forEach(id -> ids.add(id.asText()));
            sums.merge(update.key, value.get("n").asInt(), Integer::sum);
        }
        assertEquals(300, sums.values().stream().mapToInt(Integer::intValue).sum());
        assertEquals(300, ids.stream().distinct().count());
        assertTrue(sums.size() > 1 && sums.size() < 6, sums.toString());
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "", "[]", "{", "null", "7",
        "specversion\":\"1.0|specversion\":\"0.3",
        "\"id\":\"|\"jd\":\"",
        "+08:00|",
        "\"time\":\"2026|\"time\":\"2026-13",
        "T12|T25",
        "\"category\"|\"kategory\"",
        "low_video|pigeon",
        "36.0|96.0",
        "\"lon\":1|\"lon\":NaN,\"x\":1",
        "\"confidence\":0.9|\"confidence\":1.9",
        "\"severity\":null|\"severity\":\"terrible\"",
        "{\"spec|{\"id\":\"first\",\"spec",
        "}}|}},{}",
    })
    void aBadRecordIsCountedAndStopsNothing(String change) throws IOException {
        String good = report("/cameras/1", "road_spillage", 0, 0);
        String[] parts = change.split("\\|", 2);
        String bad = parts.length == 1 ? change : good.replace(parts[0], parts[1]);
        assertNotEquals(good, bad);
        assertEquals("", sent("/cameras/1", bad));
        assertNotEquals("", sent("/cameras/1", good));
    }

    @Test
    void anEmptyRecordIsCountedAndStopsNothing() throws IOException {
        in.pipeInput("/cameras/1", null);
        assertEquals("", read());
        assertNotEquals("", see("/cameras/1", 0, 0));
    }

    /** Reports a spillage so many metres north and seconds after the first place and moment; returns its case. */
    private String see(String source, double north, long after) throws IOException {
        return sent(source, report(source, "road_spillage", north, after));
    }

    private String sent(String key, String value) throws IOException {
        in.pipeInput(key, bytes(value));
        return read();
    }

    private String read() throws IOException {
        JsonNode update = json.readTree(out.readValue());
        assertEquals(1, update.get("n").asInt());
        assertTrue(out.isEmpty());
        return update.get("case").asText();
    }

    private String report(String source, String category, double north, long after) {
        String time = NOON.plusSeconds(after).plusMillis(7).atOffset(ZoneOffset.ofHours(8)).toString();
        String location = "{\"lon\":" + LON + ",\"lat\":" + (LAT + north * METRES) + ",\"accuracy_m\":15}";
        return "{\"specversion\":\"1.0\",\"id\":\"r" + sent++ + "\",\"source\":\"" + source
                + "\",\"type\":\"city.incident.reported.v1\",\"time\":\"" + time + "\",\"city\":\"QD\",\"data\":{\"category\":\"" + category
                + "\",\"channel\":\"low_video\",\"location\":" + location
                + ",\"severity\":null,\"confidence\":0.9,\"evidence\":[{\"url\":\"s3://a\"}]}}";
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
