package io.audiowriter.client;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;

/** Several servers behind one target, of which the one that has the stream can be killed. */
final class Fleet implements AutoCloseable {
    private final HttpClient http = HttpClient.newHttpClient();
    private final String[] flags;
    /** Every server that was started, with the port of its metrics. */
    private final Map<TestServer, Integer> servers = new LinkedHashMap<>();

    private final List<String> targets = new ArrayList<>();

    Fleet(int servers, String... flags) throws IOException, InterruptedException {
        this.flags = flags;
        for (int i = 0; i < servers; i++) {
            targets.add(add(TestServer.freePort(), TestServer.command()).target());
        }
    }

    private TestServer add(int port, List<String> command) throws IOException, InterruptedException {
        int metrics = TestServer.freePort();
        List<String> all = new ArrayList<>(List.of("--log-format=json", "--metrics-port=" + metrics));
        all.addAll(List.of(flags));
        TestServer server = TestServer.start(port, command, all.toArray(String[]::new));
        servers.put(server, metrics);
        return server;
    }

    AudioWriterClient.Builder builder() {
        return AudioWriterClient.builder(targets.toArray(String[]::new)).plaintext();
    }

    /** Starts a server on the port of a dead one. */
    void revive(TestServer dead, List<String> command) throws IOException, InterruptedException {
        add(dead.port(), command);
    }

    /** Starts a server on the port of each dead one. */
    void reviveAll() throws IOException, InterruptedException {
        for (String target : targets) {
            List<TestServer> there = servers.keySet().stream().filter(each -> each.target().equals(target)).toList();
            if (there.stream().noneMatch(TestServer::isAlive)) {
                revive(there.get(0), TestServer.command());
            }
        }
    }

    /** Returns the server that has the only live stream, as soon as one has it. */
    TestServer holder() throws Exception {
        for (int tries = 0; tries < 1000; tries++) {
            for (Map.Entry<TestServer, Integer> each : servers.entrySet()) {
                if (each.getKey().isAlive() && liveStreams(each.getValue()) > 0) {
                    return each.getKey();
                }
            }
            Thread.sleep(20);
        }
        throw new AssertionError("no server has the stream");
    }

    /** Ends the server that has the stream with SIGKILL. */
    TestServer killHolder() throws Exception {
        TestServer holder = holder();
        holder.kill();
        return holder;
    }

    /** Waits until no server has a stream. */
    void awaitIdle() throws Exception {
        await("a stream is still live", () -> {
            for (Map.Entry<TestServer, Integer> each : servers.entrySet()) {
                if (each.getKey().isAlive() && liveStreams(each.getValue()) > 0) {
                    return false;
                }
            }
            return true;
        });
    }

    private double liveStreams(int port) throws InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/metrics")).build();
        try {
            return http.send(request, HttpResponse.BodyHandlers.ofLines()).body()
                    .filter(line -> line.startsWith("audiowriter_live_streams"))
                    .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' '))))
                    .sum();
        } catch (IOException e) {
            return 0; // the server is dying
        }
    }

    /** Returns the offsets of the resumed streams that have ended with a code, in no particular order. */
    List<Long> resumedAt(String code) throws IOException {
        return calls().stream()
                .filter(call -> call.has("resumed") && call.get("code").getAsString().equals(code))
                .map(call -> call.get("resume_offset").getAsLong())
                .toList();
    }

    /** Returns the log lines of the calls that have ended on servers that were not killed. */
    List<JsonObject> calls() throws IOException {
        return servers.keySet().stream()
                .flatMap(server -> {
                    try {
                        return server.log().stream();
                    } catch (IOException e) {
                        throw new UncheckedIOException(e);
                    }
                })
                .filter(line -> line.startsWith("{") && line.endsWith("}"))
                .map(line -> JsonParser.parseString(line).getAsJsonObject())
                .filter(line -> line.get("message").getAsString().equals("call"))
                .toList();
    }

    /** Waits until a condition holds. */
    static void await(String what, Callable<Boolean> condition) throws Exception {
        for (int tries = 0; !condition.call(); tries++) {
            if (tries == 1000) {
                throw new AssertionError(what);
            }
            Thread.sleep(20);
        }
    }

    @Override
    public void close() {
        servers.keySet().forEach(TestServer::close);
    }
}
