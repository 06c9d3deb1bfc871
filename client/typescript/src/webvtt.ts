import type { Marker } from "./gen/audiowriter/v1/audio_writer.js";

const ESCAPES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": " ", "\n": " " };

/**
 * Return a WebVTT file (W3C WebVTT, section 4) with one cue per marker, in the order of their positions.
 *
 * `rate`, `samples`: of the input. A marker without a length ends where the next one begins, or with the audio.
 */
export function webVtt(markers: readonly Marker[], rate: number, samples: number): string {
  const ordered = markers.toSorted((a, b) => a.position - b.position);
  const lines = ["WEBVTT", ""];
  for (const [index, { position, length, title }] of ordered.entries()) {
    const start = Math.min(position, samples);
    const end = length > 0 ? start + length : (ordered[index + 1]?.position ?? samples);
    const text = title.replaceAll(/[&<>\r\n]/g, (character) => ESCAPES[character] ?? "");
    lines.push(`${time(start, rate)} --> ${time(Math.min(end, samples), rate)}`, text, "");
  }
  return lines.join("\n");
}

function time(samples: number, rate: number): string {
  const ms = Math.floor((samples * 1000) / rate);
  const part = (unit: number, modulus: number): string => String(Math.floor(ms / unit) % modulus).padStart(2, "0");
  const hours = String(Math.floor(ms / 3_600_000)).padStart(2, "0");
  return `${hours}:${part(60_000, 60)}:${part(1000, 60)}.${String(ms % 1000).padStart(3, "0")}`;
}
