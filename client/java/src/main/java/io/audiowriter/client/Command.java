package io.audiowriter.client;

import io.audiowriter.v1.AudioOutput;
import io.audiowriter.v1.FormatInfo;
import io.audiowriter.v1.PcmInput;
import io.audiowriter.v1.SampleFormat;
import io.audiowriter.v1.StreamConfig;
import io.audiowriter.v1.Totals;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.sound.sampled.AudioFormat;
import javax.sound.sampled.AudioInputStream;
import javax.sound.sampled.AudioSystem;
import javax.sound.sampled.UnsupportedAudioFileException;

/** The command of the runnable jar. Encodes a WAV file or raw PCM to any format of the server. */
final class Command {
    private static final String USAGE = """
            Usage: java -jar audiowriter-client-cli.jar [OPTION...] IN.wav OUT
                   java -jar audiowriter-client-cli.jar [OPTION...] --rate HZ - OUT

            Encodes a WAV file, or raw PCM from standard input, to OUT; its extension determines the format.
            OUT is created when it is complete. After an error no file is left.

              --target HOST:PORT   server, or several separated by commas (default: localhost:50051)
              --resume-timeout S   seconds for which a lost server may be replaced (default: 60; 0: fail at once)
              --tls                use TLS and verify the server with the platform's certificates
              --rate HZ            sample rate of raw PCM
              --channels N         channels of raw PCM, interleaved (default: 1)
              --sample-format F    sample format of raw PCM: s16le (default), s24le, s32le, f32le, f64le, u8, mulaw or alaw

            The environment variable AUDIOWRITER_TOKEN sets a bearer token.""";

    private static final Map<String, String> DEFAULTS =
            Map.of("--target", "localhost:50051", "--channels", "1", "--sample-format", "s16le");

    private Command() {}

    public static void main(String[] arguments) {
        try {
            run(arguments);
        } catch (IllegalArgumentException e) {
            exit(2, e.getMessage() + "\n\n" + USAGE);
        } catch (IOException | UnsupportedAudioFileException e) {
            exit(1, e.getMessage());
        }
    }

    private static void run(String[] arguments) throws IOException, UnsupportedAudioFileException {
        Map<String, String> options = new HashMap<>(DEFAULTS);
        List<String> files = new ArrayList<>();
        for (int i = 0; i < arguments.length; i++) {
            switch (arguments[i]) {
                case "-h", "--help" -> {
                    System.out.println(USAGE);
                    return;
                }
                case "--tls" -> options.put("--tls", "");
                case "--target", "--resume-timeout", "--rate", "--channels", "--sample-format" -> {
                    if (i + 1 == arguments.length) {
                        throw new IllegalArgumentException(arguments[i] + ": value missing");
                    }
                    options.put(arguments[i], arguments[++i]);
                }
                default -> {
                    if (arguments[i].startsWith("-") && arguments[i].length() > 1) {
                        throw new IllegalArgumentException(arguments[i] + ": no such option");
                    }
                    files.add(arguments[i]);
                }
            }
        }
        if (files.size() != 2) {
            throw new IllegalArgumentException("expected two files, an input and an output, got " + files.size());
        }
        Path out = Path.of(files.get(1));
        try (AudioWriterClient client = client(options)) {
            if (files.get(0).equals("-")) {
                encode(client, rawInput(options), System.in, out);
            } else {
                try (AudioInputStream wav = AudioSystem.getAudioInputStream(new File(files.get(0)))) {
                    encode(client, wavInput(wav.getFormat()), wav, out);
                }
            }
        }
    }

    private static AudioWriterClient client(Map<String, String> options) {
        AudioWriterClient.Builder builder = AudioWriterClient.builder(options.get("--target").split(","));
        if (!options.containsKey("--tls")) {
            builder.plaintext();
        }
        if (options.containsKey("--resume-timeout")) {
            builder.resumeTimeout(parse(options, "--resume-timeout", Command::seconds));
        }
        return builder.token(System.getenv("AUDIOWRITER_TOKEN")).build();
    }

    private static void encode(AudioWriterClient client, PcmInput input, InputStream pcm, Path file)
            throws IOException {
        AudioOutput output = AudioOutput.newBuilder().setFormat(format(client, file)).build();
        StreamConfig config = StreamConfig.newBuilder().setInput(input).setOutput(output).build();
        Totals totals = client.encodeStream(config, AudioSink.of(file), out -> {
            // After Ctrl-C this thread may be blocked in a read of standard input, so the hook closes the stream.
            Runtime.getRuntime().addShutdownHook(new Thread(() -> {
                out.cancel();
                try {
                    out.close();
                } catch (IOException e) {
                    System.err.println("audiowriter: " + e.getMessage());
                }
            }));
            pcm.transferTo(out);
        });
        System.out.printf(
                Locale.ROOT, "%s: %d bytes, %.3f s%n",
                file, totals.getFileBytes(),
                totals.getDuration().getSeconds() + totals.getDuration().getNanos() / 1e9);
    }

    /** Finds a format by the file's extension. The first one of those that share an extension is the usual one. */
    private static io.audiowriter.v1.AudioFormat format(AudioWriterClient client, Path file) throws IOException {
        String name = file.getFileName().toString().toLowerCase(Locale.ROOT);
        List<FormatInfo> formats = client.listFormats();
        Stream<String> extensions = formats.stream().map(FormatInfo::getFileExtension).distinct();
        return formats.stream()
                .filter(format -> name.endsWith(format.getFileExtension()))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException(
                        file + ": the extension must be one of " + extensions.collect(Collectors.joining(" "))))
                .getFormat();
    }

    private static PcmInput rawInput(Map<String, String> options) {
        if (!options.containsKey("--rate")) {
            throw new IllegalArgumentException("--rate is required for raw PCM");
        }
        return PcmInput.newBuilder()
                .setSampleFormat(parse(options, "--sample-format", name ->
                        SampleFormat.valueOf("SAMPLE_FORMAT_" + name.toUpperCase(Locale.ROOT))))
                .setSampleRateHz(parse(options, "--rate", Integer::parseUnsignedInt))
                .setChannels(parse(options, "--channels", Integer::parseUnsignedInt))
                .build();
    }

    private static Duration seconds(String value) {
        double seconds = Double.parseDouble(value);
        if (!(seconds >= 0)) {
            throw new IllegalArgumentException("expected 0 or more");
        }
        return Duration.ofMillis(Math.round(1000 * seconds));
    }

    private static <T> T parse(Map<String, String> options, String option, Function<String, T> parser) {
        try {
            return parser.apply(options.get(option));
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(option + ": invalid value " + options.get(option), e);
        }
    }

    private static PcmInput wavInput(AudioFormat format) throws UnsupportedAudioFileException {
        String layout = format.getEncoding() + " " + format.getSampleSizeInBits();
        return PcmInput.newBuilder()
                .setSampleFormat(switch (layout) {
                    case "PCM_SIGNED 16" -> SampleFormat.SAMPLE_FORMAT_S16LE;
                    case "PCM_SIGNED 24" -> SampleFormat.SAMPLE_FORMAT_S24LE;
                    case "PCM_SIGNED 32" -> SampleFormat.SAMPLE_FORMAT_S32LE;
                    case "PCM_FLOAT 32" -> SampleFormat.SAMPLE_FORMAT_F32LE;
                    case "PCM_FLOAT 64" -> SampleFormat.SAMPLE_FORMAT_F64LE;
                    case "PCM_UNSIGNED 8" -> SampleFormat.SAMPLE_FORMAT_U8;
                    case "ULAW 8" -> SampleFormat.SAMPLE_FORMAT_MULAW;
                    case "ALAW 8" -> SampleFormat.SAMPLE_FORMAT_ALAW;
                    default -> throw new UnsupportedAudioFileException("unsupported WAV samples: " + layout + " bits");
                })
                .setSampleRateHz(Math.round(format.getSampleRate()))
                .setChannels(format.getChannels())
                .build();
    }

    private static void exit(int status, String message) {
        System.err.println("audiowriter: " + message);
        System.exit(status);
    }
}
