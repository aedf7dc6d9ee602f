package cityloop.bench;

import java.time.DateTimeException;
import java.time.LocalDate;
import java.time.OffsetDateTime;

/** Times with an offset, as milliseconds since 1970. The usual forms are read digit by digit, all others by java.time. */
final class Rfc3339 {
    static final long NONE = Long.MIN_VALUE;

    private String day = "";
    private long dayMs;

    /** Milliseconds, or NONE when the text is no time with an offset. Remembers the last day: successive reports share it. */
    long millis(String text) {
        int length = text.length();
        if (length < 20 || text.charAt(10) != 'T' || text.charAt(13) != ':' || text.charAt(16) != ':') {
            return slow(text);
        }
        int hour = two(text, 11);
        int minute = two(text, 14);
        int second = two(text, 17);
        int at = 19;
        int fraction = 0;
        if (text.charAt(at) == '.') {
            int scale = 100;
            for (at++; at < length && isDigit(text.charAt(at)); at++) {
                fraction += (text.charAt(at) - '0') * scale;
                scale /= 10;
            }
        }
        long offset = offsetMinutes(text, at);
        if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59 || offset == NONE) {
            return slow(text);
        }
        if (!text.startsWith(day) || day.isEmpty()) {
            try {
                dayMs = LocalDate.parse(text.substring(0, 10)).toEpochDay() * 86_400_000L;
            } catch (DateTimeException none) {
                return NONE;
            }
            day = text.substring(0, 10);
        }
        return dayMs + ((hour * 60L + minute - offset) * 60 + second) * 1000 + fraction;
    }

    private static long offsetMinutes(String text, int at) {
        int left = text.length() - at;
        if (left == 1 && text.charAt(at) == 'Z') {
            return 0;
        }
        if (left != 6 || text.charAt(at + 3) != ':') {
            return NONE;
        }
        int hours = two(text, at + 1);
        int minutes = two(text, at + 4);
        char sign = text.charAt(at);
        if (hours < 0 || hours > 18 || minutes < 0 || minutes > 59 || (sign != '+' && sign != '-')) {
            return NONE;
        }
        return sign == '+' ? hours * 60L + minutes : -(hours * 60L + minutes);
    }

    private static int two(String text, int at) {
        char tens = text.charAt(at);
        char ones = text.charAt(at + 1);
        return isDigit(tens) && isDigit(ones) ? (tens - '0') * 10 + ones - '0' : -1;
    }

    private static boolean isDigit(char each) {
        return each >= '0' && each <= '9';
    }

    private static long slow(String text) {
        try {
            return OffsetDateTime.parse(text).toInstant().toEpochMilli();
        } catch (DateTimeException none) {
            return NONE;
        }
    }
}
