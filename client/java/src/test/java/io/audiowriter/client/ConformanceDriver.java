package io.audiowriter.client;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.rpc.BadRequest.FieldViolation;
import io.audiowriter.v1.ListFormatsResponse;
import io.audiowriter.v1.Marker;
import io.audiowriter.v1.Metadata;
import io.audiowriter.v1.StreamConfig;
import io.audiowriter.v1.Totals;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * The Java driver of the clients' conformance set. It reads one case per line from stdin and writes its outcome as one
 * line to stdout. The README of the conformance set describes the fields. Gson is a dependency of gRPC.
 */
final class ConformanceDriver {
    private final BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    private final PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);

    public static void main(String[] args) throws IOException {
        new ConformanceDriver().serve();
    }

    private void serve() throws IOException {
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            out.println(run(JsonParser.parseString(line).getAsJsonObject()));
        }
    }

    private JsonObject run(JsonObject asked) {
        long resumeMs = Math.round(1000 * asked.get("resume_timeout").getAsDouble());
        AudioWriterClient.Builder builder = AudioWriterClient.builder(asked.get("target").getAsString().split(","))
                .plaintext()
                .resumeTimeout(Duration.ofMillis(resumeMs));
        long spoolBytes = asked.get("spool_bytes").getAsLong();
        if (spoolBytes > 0) {
            builder.spoolBytes(spoolBytes);
        }
        String token = asked.get("token").getAsString();
        try (AudioWriterClient client = (token.isEmpty() ? builder : builder.token(token)).build()) {
            return runAll(client, asked);
        }
    }

    /** Makes the calls of a case concurrently. Returns the outcome of the first that failed, or of the first call. */
    private JsonObject runAll(AudioWriterClient client, JsonObject asked) {
        int streams = asked.get("streams").getAsInt();
        ExecutorService pool = Executors.newFixedThreadPool(streams);
        try {
            List<Future<JsonObject>> running = new ArrayList<>();
            for (int number = 1; number <= streams; number++) {
                JsonObject one = asked.deepCopy();
                if (number > 1) {
                    one.addProperty("file", asked.get("file").getAsString() + "." + number);
                }
                running.add(pool.submit(() -> runOne(client, one)));
            }
            for (Future<JsonObject> each : running) {
                if (!each.get().get("code").getAsString().equals("OK")) {
                    return each.get();
                }
            }
            return running.get(0).get();
        } catch (InterruptedException | ExecutionException e) {
            throw new IllegalStateException(e);
        } finally {
            pool.shutdown();
        }
    }

    private JsonObject runOne(AudioWriterClient client, JsonObject asked) {
        JsonObject outcome = new JsonObject();
        try {
            call(client, asked, outcome);
            outcome.addProperty("code", "OK");
        } catch (AudioWriterException e) {
            boolean truncated = e instanceof TruncatedStreamException;
            outcome.addProperty("code", truncated ? "TRUNCATED" : e.code().name());
            outcome.addProperty("reason", e.reason().orElse(""));
            outcome.addProperty("retry_after", e.retryAfter().map(Duration::toMillis).orElse(0L) / 1000.0);
            outcome.add("violations", violations(e));
            outcome.addProperty("bytes_received", e.bytesReceived());
        } catch (IOException e) {
            boolean sinkFailed = e.getCause() instanceof SinkFailed;
            outcome.addProperty("code", sinkFailed ? "SINK_FAILED" : "UNKNOWN");
            outcome.addProperty("reason", sinkFailed ? "" : e.toString());
        }
        return outcome;
    }

    private void call(AudioWriterClient client, JsonObject asked, JsonObject outcome) throws IOException {
        Path file = Path.of(asked.get("file").getAsString());
        String method = asked.get("method").getAsString();
        if (method.equals("list_formats")) {
            ListFormatsResponse formats =
                    ListFormatsResponse.newBuilder().addAllFormats(client.listFormats()).build();
            Files.write(file, formats.toByteArray());
            return;
        }
        if (method.equals("get_server_info")) {
            if (client.getServerInfo().getVersion().isEmpty()) {
                throw new IOException("the server has no version");
            }
            return;
        }
        StreamConfig config = StreamConfig.parseFrom(Base64.getDecoder().decode(asked.get("config").getAsString()));
        if (method.equals("resolve_config")) {
            Files.write(file, client.resolveConfig(config).toByteArray());
            return;
        }
        byte[] pcm = Files.readAllBytes(Path.of(asked.get("pcm").getAsString()));
        if (method.equals("encode")) {
            Files.write(file, client.encode(config, pcm, markers(asked)).getFile().toByteArray());
            return;
        }
        AudioSink sink = asked.get("sink").getAsString().equals("path")
                ? AudioSink.of(file)
                : AudioSink.of(new SlowStream(file, asked));
        Totals totals = client.encodeStream(config, sink, stream -> write(stream, asked, pcm, outcome));
        outcome.addProperty("totals", Base64.getEncoder().encodeToString(totals.toByteArray()));
    }

    /** Cuts the PCM into pieces of the case's sizes, repeated as needed; without sizes there is one piece. */
    private void write(AudioWriterOutputStream stream, JsonObject asked, byte[] pcm, JsonObject outcome)
            throws IOException {
        JsonArray sizes = asked.getAsJsonArray("cut");
        JsonArray places = asked.getAsJsonArray("places");
        int sent = 0;
        for (int turn = 0; sent < pcm.length; turn++) {
            int size = sizes.isEmpty() ? pcm.length : sizes.get(turn % sizes.size()).getAsInt();
            JsonArray place = places.isEmpty() ? null : places.get(turn).getAsJsonArray();
            int end = Math.min(sent + (place == null ? size : place.get(0).getAsInt()), pcm.length);
            byte[] piece = Arrays.copyOfRange(pcm, sent, end);
            if (place == null) {
                stream.write(piece);
            } else {
                stream.writePlaced(piece, place.get(1).getAsLong(), place.get(2).getAsInt());
            }
            sent = end;
            if (sent == asked.get("pause_after").getAsInt()) {
                stream.flushEncoder();
                out.println("{\"paused\": true}");
                in.readLine();
                if (asked.get("second").getAsBoolean()) {
                    outcome.add("second", run(secondOf(asked)));
                }
            }
            if (sent == asked.get("cancel_after").getAsInt()) {
                stream.flushEncoder();
                stream.cancel();
            }
        }
        byte[] metadata = Base64.getDecoder().decode(asked.get("metadata").getAsString());
        if (metadata.length > 0 || !markers(asked).isEmpty()) {
            stream.describe(Metadata.parseFrom(metadata), markers(asked));
        }
    }

    private static List<Marker> markers(JsonObject asked) throws IOException {
        List<Marker> markers = new ArrayList<>();
        for (JsonElement each : asked.getAsJsonArray("markers")) {
            markers.add(Marker.parseFrom(Base64.getDecoder().decode(each.getAsString())));
        }
        return markers;
    }

    private static JsonObject secondOf(JsonObject asked) {
        JsonObject second = asked.deepCopy();
        second.addProperty("file", asked.get("file").getAsString() + ".second");
        second.addProperty("second", false);
        second.addProperty("pause_after", 0);
        return second;
    }

    private static JsonElement violations(AudioWriterException e) {
        JsonArray violations = new JsonArray();
        for (FieldViolation violation : e.violations()) {
            JsonArray pair = new JsonArray();
            pair.add(violation.getField());
            pair.add(violation.getDescription());
            violations.add(pair);
        }
        return violations;
    }

    /** Thrown by the sink of a case with {@code sink_limit}. */
    private static final class SinkFailed extends IOException {
        private static final long serialVersionUID = 1;
    }

    /** A slow sink that can't seek, and that fails when it has {@code sink_limit} bytes. */
    private static final class SlowStream extends OutputStream {
        private final Path file;
        private final int delayMs;
        private final long limit;

        SlowStream(Path file, JsonObject asked) {
            this.file = file;
            this.delayMs = asked.get("delay_ms").getAsInt();
            this.limit = asked.get("sink_limit").getAsLong();
        }

        @Override
        public void write(int b) throws IOException {
            write(new byte[] {(byte) b});
        }

        @Override
        public void write(byte[] bytes, int offset, int length) throws IOException {
            try {
                Thread.sleep(delayMs);
            } catch (InterruptedException e) {
                throw new InterruptedIOException();
            }
            Files.write(
                    file,
                    Arrays.copyOfRange(bytes, offset, offset + length),
                    StandardOpenOption.CREATE,
                    StandardOpenOption.APPEND);
            if (limit > 0 && Files.size(file) >= limit) {
                throw new SinkFailed();
            }
        }
    }
}
