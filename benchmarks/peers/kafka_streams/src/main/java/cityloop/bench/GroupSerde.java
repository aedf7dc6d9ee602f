package cityloop.bench;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;

/** A group as some 60 bytes: kind, place, id, count, times, category, and the reports' ids where they are kept. */
final class GroupSerde {
    private static final Group.Kind[] KINDS = Group.Kind.values();
    private static final int NO_IDS = -1;
    private static final int FIXED = 1 + 5 * Long.BYTES + Integer.BYTES + Short.BYTES + Integer.BYTES;

    private GroupSerde() {}

    static Serde<Group> serde() {
        return Serdes.serdeFrom((topic, group) -> bytes(group), (topic, bytes) -> group(bytes));
    }

    static byte[] bytes(Group group) {
        byte[] category = utf8(group.category);
        List<byte[]> ids = group.ids == null ? List.of() : group.ids.stream().map(GroupSerde::utf8).toList();
        int size = FIXED + category.length + ids.stream().mapToInt(id -> Integer.BYTES + id.length).sum();
        ByteBuffer to = ByteBuffer.allocate(size).put((byte) group.kind.ordinal());
        to.putDouble(group.lon).putDouble(group.lat).putLong(group.id).putInt(group.n).putLong(group.firstMs).putLong(group.lastMs);
        to.putShort((short) category.length).put(category).putInt(group.ids == null ? NO_IDS : ids.size());
        ids.forEach(id -> to.putInt(id.length).put(id));
        return to.array();
    }

    static Group group(byte[] bytes) {
        ByteBuffer from = ByteBuffer.wrap(bytes);
        Group.Kind kind = KINDS[from.get()];
        double lon = from.getDouble();
        double lat = from.getDouble();
        long id = from.getLong();
        int n = from.getInt();
        long firstMs = from.getLong();
        long lastMs = from.getLong();
        String category = text(from, from.getShort());
        int idCount = from.getInt();
        List<String> ids = idCount == NO_IDS ? null : new ArrayList<>(idCount);
        for (int i = 0; i < idCount; i++) {
            ids.add(text(from, from.getInt()));
        }
        Group group = new Group(kind, category, lon, lat, id, firstMs, ids);
        group.lastMs = lastMs;
        group.n = n;
        return group;
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static String text(ByteBuffer from, int length) {
        String text = new String(from.array(), from.position(), length, StandardCharsets.UTF_8);
        from.position(from.position() + length);
        return text;
    }
}
