// Serves MongoDB's protocol on 127.0.0.1 at the port given, until the process is ended.

import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.MongoVersion;
import de.bwaldvogel.mongo.backend.memory.MemoryBackend;
import java.util.List;

public class Serve {
    /** It says that it were older than drivers of today accept: wire version 13 is MongoDB 5.0's. */
    record Version(List<Integer> getVersionArray, int getWireVersion) implements MongoVersion {}

    public static void main(String[] args) {
        var backend = new MemoryBackend().version(new Version(List.of(5, 0, 0), 13));
        new MongoServer(backend).bind("127.0.0.1", Integer.parseInt(args[0]));
    }
}
