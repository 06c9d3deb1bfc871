package io.audiowriter.client;

import io.audiowriter.v1.AudioFormat;
import io.audiowriter.v1.AudioOutput;
import io.audiowriter.v1.PcmInput;
import io.audiowriter.v1.SampleFormat;
import io.audiowriter.v1.StreamConfig;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;

/** The PCM that the tests send: mono at 24 kHz. */
final class Audio {
    static final int RATE = 24_000;

    private Audio() {}

    static StreamConfig config(AudioFormat format) {
        return config(format, SampleFormat.SAMPLE_FORMAT_S16LE);
    }

    static StreamConfig config(AudioFormat format, SampleFormat sampleFormat) {
        return StreamConfig.newBuilder()
                .setInput(PcmInput.newBuilder().setSampleRateHz(RATE).setSampleFormat(sampleFormat))
                .setOutput(AudioOutput.newBuilder().setFormat(format))
                .build();
    }

    /** A sine of 440 Hz in S16LE. */
    static byte[] sine(int samples) {
        ByteBuffer pcm = ByteBuffer.allocate(2 * samples).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < samples; i++) {
            pcm.putShort((short) (10_000 * Math.sin(2 * Math.PI * 440 * i / RATE)));
        }
        return pcm.array();
    }

    /** A tone whose loudness and pitch change like those of speech, in S16LE. The same at each call. */
    static byte[] speech(int samples) {
        Random random = new Random(1);
        ByteBuffer pcm = ByteBuffer.allocate(2 * samples).order(ByteOrder.LITTLE_ENDIAN);
        double phase = 0;
        double pitch = 0;
        double loudness = 0;
        for (int i = 0; i < samples; i++) {
            if (i % 2_400 == 0) {
                pitch = 100 + 300 * random.nextDouble();
                loudness = 12_000 * random.nextDouble();
            }
            phase += 2 * Math.PI * pitch / RATE;
            pcm.putShort((short) (loudness * (Math.sin(phase) + 0.3 * Math.sin(5 * phase)) + 200 * random.nextGaussian()));
        }
        return pcm.array();
    }
}
