import assert from "node:assert/strict";
import { test } from "node:test";
import { completeConfig } from "../src/config.js";
import {
  AudioFormat,
  seconds,
  SampleFormat,
  StreamConfig,
  streamConfig,
  WavHeader,
  type ConfigOptions,
} from "../src/index.js";

test("a config has what was given, and the defaults of the contract", () => {
  const { input, output, requestId } = streamConfig({ format: "opus", sampleRateHz: 24_000 });
  assert.deepEqual([input?.sampleFormat, input?.sampleRateHz, input?.channels], [SampleFormat.S16LE, 24_000, 1]);
  assert.deepEqual([output?.format, output?.sampleRateHz, output?.rate], [AudioFormat.OGG_OPUS, 0, undefined]);
  assert.equal(requestId, "");
});

test("every option reaches its field", () => {
  const { input, output, requestId } = streamConfig({
    format: "mp3",
    sampleRateHz: 48_000,
    channels: 2,
    sampleFormat: "f32le",
    bitrateBps: 128_000,
    effort: 0,
    pageMs: 20,
    opusFrameMs: 2.5,
    tags: { title: "a", artist: ["b", "c"] },
    outputSampleRateHz: 44_100,
    outputChannels: 1,
    outputSampleFormat: "s24le",
    requestId: "id",
    pictures: [Buffer.from("png"), { data: Buffer.from("jpeg"), description: "front" }],
    metadataBytes: 4096,
    gainDb: -3,
    truePeakLimitDbtp: 0,
    measureLoudness: true,
    wavHeader: "minimal",
  });
  assert.deepEqual([input?.sampleFormat, input?.channels], [SampleFormat.F32LE, 2]);
  assert.deepEqual(output?.rate, { $case: "bitrateBps", value: 128_000 });
  assert.equal(output.effort, 0);
  assert.deepEqual([seconds(output.page), seconds(output.opusFrame)], [0.02, 0.0025]);
  assert.deepEqual(
    output.metadata?.tags.map(({ name, value }) => [name, value]),
    [
      ["title", "a"],
      ["artist", "b"],
      ["artist", "c"],
    ],
  );
  assert.deepEqual([output.sampleRateHz, output.channels, output.sampleFormat], [44_100, 1, SampleFormat.S24LE]);
  assert.equal(requestId, "id");
  assert.deepEqual(
    output.metadata.pictures.map(({ data, description }) => [Buffer.from(data).toString(), description]),
    [
      ["png", ""],
      ["jpeg", "front"],
    ],
  );
  const { gainDb, truePeakLimitDbtp, measure } = output.loudness ?? {};
  assert.deepEqual([gainDb, truePeakLimitDbtp, measure], [-3, 0, true]);
  assert.deepEqual([output.wavHeader, output.metadataBytes], [WavHeader.MINIMAL, 4096]);
  const quality = streamConfig({ format: "vorbis", sampleRateHz: 1, vbrQuality: 0.4, tags: [["title", "x"]] }).output;
  assert.deepEqual(quality?.rate, { $case: "vbrQuality", value: 0.4 });
  assert.equal(quality.metadata?.tags[0]?.value, "x");
});

for (const [name, options, error] of [
  ["an unknown format", { format: "mp4" }, /format="mp4": expected one of wav, vorbis/],
  ["an unknown sample format", { sampleFormat: "s17" }, /sampleFormat="s17": expected one of s16le/],
  ["a name that every object has", { format: "toString" }, /expected one of/],
  ["a fraction", { sampleRateHz: 0.5 }, /sampleRateHz=0.5: expected an integer from 0 to 4294967295/],
  ["a negative number", { channels: -1 }, /channels=-1/],
  ["a number as a text", { bitrateBps: "64000" }, /bitrateBps: expected a number, not string/],
  ["a bitrate and a quality", { bitrateBps: 64_000, vbrQuality: 0.5 }, /mutually exclusive/],
  ["a negative duration", { pageMs: -1 }, /pageMs=-1: expected a duration in ms/],
  ["an endless duration", { pageMs: Infinity }, /pageMs=Infinity/],
  ["a tag that is no text", { tags: { title: [1] } }, /tags: expected strings, not number/],
  ["an unknown header", { wavHeader: "short" }, /wavHeader="short": expected one of full, minimal/],
  ["a picture that is no picture", { pictures: ["a"] }, /pictures: expected bytes or a Picture, not string/],
  ["a gain as a text", { gainDb: "3" }, /gainDb: expected a number, not string/],
  ["a lone surrogate", { tags: [["title", "\ud800"]] }, /lone surrogate/],
] as const) {
  test(`${name} is refused with a text that names the option`, () => {
    const all = { format: "wav", sampleRateHz: 24_000, ...options } as unknown as ConfigOptions;
    assert.throws(() => streamConfig(all), error);
  });
}

test("a config keeps the fields that this client does not know, in all its messages", () => {
  // Field 999 of StreamConfig and of AudioOutput is 1.
  const config = Buffer.from("ba3e01781205ba3e020801", "hex");
  assert.deepEqual(
    Buffer.from(StreamConfig.encode(completeConfig(StreamConfig.decode(config))).finish()).length,
    config.length,
  );
  assert.equal(completeConfig({ input: { sampleRateHz: 1 } }).input?.channels, 0);
  assert.throws(() => completeConfig("mp3" as never), /config: expected a StreamConfig, not string/);
});
