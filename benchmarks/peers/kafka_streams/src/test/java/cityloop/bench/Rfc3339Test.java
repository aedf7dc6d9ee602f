package cityloop.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.OffsetDateTime;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class Rfc3339Test {
    private final Rfc3339 times = new Rfc3339();

    @ParameterizedTest
    @ValueSource(strings = {
        "2026-11-21T08:15:02+08:00", "2026-11-21T08:15:02.007+08:00", "2026-11-21T08:15:02.1234567Z", "1969-12-31T23:59:59.5-03:30",
        "2024-02-29T00:00:00Z",
    })
    void timesWithAnOffsetAreReadAsJavaTimeReadsThem(String text) {
        assertEquals(OffsetDateTime.parse(text).toInstant().toEpochMilli(), times.millis(text));
        assertEquals(OffsetDateTime.parse(text).toInstant().toEpochMilli(), times.millis(text));
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "", "2026-11-21", "2026-11-21T08:15:02", "2026-11-21T24:15:02Z", "2026-02-29T08:15:02Z", "2026-11-21T08:60:02Z",
        "2026-11-21T08:15:02+8:00", "2026-11-21T08:15:02 08:00", "1795220102", "2026-11-21T08:15:02.007+08:00x",
    })
    void whatIsNoTimeWithAnOffsetIsNone(String text) {
        times.millis("2026-11-21T08:15:02Z");
        assertEquals(Rfc3339.NONE, times.millis(text));
    }
}
