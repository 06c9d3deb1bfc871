import { quoted, typeName } from "./errors.js";
import { AUDIO_FORMATS, type FormatName } from "./formats.js";
import {
  LoudnessOptions,
  Metadata,
  SampleFormat,
  StreamConfig,
  WavHeader,
  type DeepPartial,
  type Picture,
  type Tag,
} from "./gen/audiowriter/v1/audio_writer.js";
import type { Duration } from "./gen/google/protobuf/duration.js";

/** A StreamConfig of which every field may be left out: 0 and unset mean the default. */
export type StreamConfigInit = DeepPartial<StreamConfig>;

/** Name of a sample format. G.711 is "mulaw" or "alaw". */
export type SampleFormatName = keyof typeof SAMPLE_FORMATS;

/** Pairs of name and value, or an object with a value or several values per name. */
export type TagOptions = Iterable<readonly [string, string]> | Readonly<Record<string, string | readonly string[]>>;

/** The options of {@link streamConfig}. What is left out has the default of the contract. */
export interface ConfigOptions {
  /** The file's format: a name that `listFormats` returns, such as "mp3". */
  format: FormatName;
  /** Samples per second and channel of the PCM, in Hz. */
  sampleRateHz: number;
  /** Number of interleaved channels of the PCM. Default: 1. */
  channels?: number | undefined;
  /** Sample format of the PCM. Default: "s16le". */
  sampleFormat?: SampleFormatName | undefined;
  /** Bits per second for all channels together. */
  bitrateBps?: number | undefined;
  /** Constant quality instead of a bitrate, from 0 (smallest file) to 1 (best quality). */
  vbrQuality?: number | undefined;
  /** CPU time that the encoder spends, from 0 (fastest) to 10 (best). */
  effort?: number | undefined;
  /** Maximum duration of the audio that is gathered for one page, cluster or fragment, in ms. */
  pageMs?: number | undefined;
  /** Duration of one Opus frame in ms: 2.5, 5, 10, 20, 40 or 60. */
  opusFrameMs?: number | undefined;
  /** Tags of the file, in the order in which they are written. */
  tags?: TagOptions | undefined;
  /** The front cover: a JPEG or PNG file, or a Picture with a description. */
  pictures?: Iterable<Uint8Array | DeepPartial<Picture>> | undefined;
  /** Room in the head of the file for what `describe` adds later, in bytes. 4096 are enough for most files. Default: 0. */
  metadataBytes?: number | undefined;
  /** Gain in dB, from -60 to 60. */
  gainDb?: number | undefined;
  /** Limit of the true peak, in dB relative to full scale, from -20 to 0. */
  truePeakLimitDbtp?: number | undefined;
  /** Whether to measure the loudness of the file's samples; the totals have it. */
  measureLoudness?: boolean | undefined;
  /** Header of a WAV file. "minimal": 44 bytes without tags. Default: "full". */
  wavHeader?: keyof typeof WAV_HEADERS | undefined;
  /** Longest jump of `position` that is filled with silence, in ms. */
  maxGapMs?: number | undefined;
  /** How long a channel may lag behind the others, in ms. */
  maxSkewMs?: number | undefined;
  /** Maximum deviation of a `position` that is jitter or drift, and not a gap or an overlap, in ms. Default: 0. */
  maxJitterMs?: number | undefined;
  /** Sample rate of the file in Hz, if not that of the PCM. */
  outputSampleRateHz?: number | undefined;
  /** Number of channels of the file, if not that of the PCM. */
  outputChannels?: number | undefined;
  /** Sample format of the file, if not that of the PCM. */
  outputSampleFormat?: SampleFormatName | undefined;
  /** The caller's own ID of the call, which appears in the server's log. */
  requestId?: string | undefined;
}

const SAMPLE_FORMATS = {
  s16le: SampleFormat.S16LE,
  s24le: SampleFormat.S24LE,
  s32le: SampleFormat.S32LE,
  f32le: SampleFormat.F32LE,
  f64le: SampleFormat.F64LE,
  u8: SampleFormat.U8,
  mulaw: SampleFormat.MULAW,
  alaw: SampleFormat.ALAW,
} as const;

const WAV_HEADERS = { full: WavHeader.FULL, minimal: WavHeader.MINIMAL } as const;

/**
 * Build a StreamConfig from plain values.
 *
 * @throws RangeError for an unknown name or a number that is out of range for its field, and TypeError for both of
 * `bitrateBps` and `vbrQuality` or for a value of another type. The server checks everything else.
 */
export function streamConfig(options: ConfigOptions): StreamConfig {
  const { bitrateBps, vbrQuality } = options;
  if (bitrateBps !== undefined && vbrQuality !== undefined) {
    throw new TypeError("bitrateBps and vbrQuality are mutually exclusive");
  }
  return StreamConfig.fromPartial({
    input: {
      sampleFormat: named("sampleFormat", options.sampleFormat ?? "s16le", SAMPLE_FORMATS),
      sampleRateHz: integer("sampleRateHz", options.sampleRateHz),
      channels: integer("channels", options.channels ?? 1),
      maxGap: duration("maxGapMs", options.maxGapMs),
      maxSkew: duration("maxSkewMs", options.maxSkewMs),
      maxJitter: duration("maxJitterMs", options.maxJitterMs),
    },
    output: {
      format: named("format", options.format, AUDIO_FORMATS),
      sampleRateHz: integer("outputSampleRateHz", options.outputSampleRateHz ?? 0),
      channels: integer("outputChannels", options.outputChannels ?? 0),
      sampleFormat:
        options.outputSampleFormat === undefined
          ? SampleFormat.UNSPECIFIED
          : named("outputSampleFormat", options.outputSampleFormat, SAMPLE_FORMATS),
      ...(bitrateBps !== undefined && {
        rate: { $case: "bitrateBps" as const, value: integer("bitrateBps", bitrateBps) },
      }),
      ...(vbrQuality !== undefined && {
        rate: { $case: "vbrQuality" as const, value: number("vbrQuality", vbrQuality) },
      }),
      effort: options.effort === undefined ? undefined : integer("effort", options.effort),
      page: duration("pageMs", options.pageMs),
      opusFrame: duration("opusFrameMs", options.opusFrameMs),
      metadata: metadata(options),
      metadataBytes: integer("metadataBytes", options.metadataBytes ?? 0),
      loudness: loudness(options),
      wavHeader: options.wavHeader === undefined ? 0 : named("wavHeader", options.wavHeader, WAV_HEADERS),
    },
    requestId: options.requestId ?? "",
  });
}

/**
 * Return a copy of a config with all fields. Unlike `fromPartial` it keeps the fields that this client does not know, so that
 * the server can refuse them.
 */
export function completeConfig(config: StreamConfigInit): StreamConfig {
  if (typeof config !== "object") throw new TypeError(`config: expected a StreamConfig, not ${typeName(config)}`);
  const complete = StreamConfig.fromPartial(config);
  keepUnknown(config, complete);
  return complete;
}

function keepUnknown(from: object, to: object): void {
  for (const [name, value] of Object.entries(from) as [string, unknown][]) {
    if (name === "_unknownFields") Object.assign(to, { [name]: value });
    else if (typeof value === "object" && value !== null && name in to) {
      const copy = (to as Record<string, unknown>)[name];
      if (typeof copy === "object" && copy !== null) keepUnknown(value, copy);
    }
  }
}

function named<Name extends string, Value>(field: string, name: Name, names: Readonly<Record<Name, Value>>): Value {
  if (!Object.hasOwn(names, name)) {
    throw new RangeError(`${field}=${quoted(name)}: expected one of ${Object.keys(names).join(", ")}`);
  }
  return names[name];
}

function integer(field: string, value: number): number {
  if (!Number.isInteger(number(field, value)) || value < 0 || value >= 2 ** 32) {
    throw new RangeError(`${field}=${quoted(value)}: expected an integer from 0 to ${String(2 ** 32 - 1)}`);
  }
  return value;
}

function number(field: string, value: unknown): number {
  if (typeof value !== "number") throw new TypeError(`${field}: expected a number, not ${typeName(value)}`);
  return value;
}

function duration(field: string, ms: number | undefined): Duration | undefined {
  if (ms === undefined) return undefined;
  const nanoseconds = Math.round(number(field, ms) * 1e6);
  if (!(nanoseconds >= 0) || !Number.isSafeInteger(nanoseconds)) {
    throw new RangeError(`${field}=${quoted(ms)}: expected a duration in ms, 0 or more`);
  }
  return { seconds: Math.floor(nanoseconds / 1e9), nanos: nanoseconds % 1e9 };
}

function loudness({ gainDb, truePeakLimitDbtp, measureLoudness }: ConfigOptions): LoudnessOptions | undefined {
  if (!gainDb && truePeakLimitDbtp === undefined && measureLoudness !== true) return undefined;
  return LoudnessOptions.create({
    gainDb: number("gainDb", gainDb ?? 0),
    truePeakLimitDbtp: truePeakLimitDbtp === undefined ? undefined : number("truePeakLimitDbtp", truePeakLimitDbtp),
    measure: measureLoudness === true,
  });
}

function metadata({ tags = [], pictures = [] }: ConfigOptions): Metadata | undefined {
  const found = Metadata.create({ tags: tagsOf(tags), pictures: Array.from(pictures, picture) });
  return found.tags.length > 0 || found.pictures.length > 0 ? found : undefined;
}

/** Return tags that come while the stream runs. */
export function lateMetadata(tags: TagOptions): Metadata {
  return Metadata.create({ tags: tagsOf(tags) });
}

function picture(given: unknown): DeepPartial<Picture> {
  if (given instanceof Uint8Array) return { data: given };
  if (typeof given === "object" && given !== null && "data" in given) return given as DeepPartial<Picture>;
  throw new TypeError(`pictures: expected bytes or a Picture, not ${typeName(given)}`);
}

function tagsOf(tags: TagOptions): Tag[] {
  const pairs: [unknown, unknown][] = [];
  if (Symbol.iterator in tags) {
    for (const [name, value] of tags) pairs.push([name, value]);
  } else {
    for (const [name, values] of Object.entries<string | readonly string[]>({ ...tags })) {
      for (const value of typeof values === "string" ? [values] : values) pairs.push([name, value]);
    }
  }
  return pairs.map(([name, value]) => ({ name: text(name), value: text(value) }));
}

function text(value: unknown): string {
  if (typeof value !== "string") throw new TypeError(`tags: expected strings, not ${typeName(value)}`);
  if (!value.isWellFormed()) throw new RangeError("tags: a text has a lone surrogate, which UTF-8 cannot encode");
  return value;
}
