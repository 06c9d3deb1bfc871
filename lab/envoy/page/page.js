// Encodes a tone through Envoy, decodes and plays it, and sends the results to the server of this page.
import { CallFailed, Format, encode } from "./grpc_web.js";

const ENVOY = new URLSearchParams(location.search).get("envoy");
const RATE = 24000;
const SECONDS = 1.5;
const tone = Int16Array.from({ length: RATE * SECONDS }, (_, n) => 8000 * Math.sin((2 * Math.PI * 440 * n) / RATE));

/** Play a file to its end; return the position that the player reached, in seconds. */
function play(url) {
  return new Promise((resolve, reject) => {
    const player = new Audio(url);
    player.onended = () => resolve(player.currentTime);
    player.onerror = () => reject(player.error);
    player.play().catch(reject);
  });
}

async function heard(name) {
  const { file, mimeType } = await encode(ENVOY, Format[name], RATE, tone);
  const context = new OfflineAudioContext(1, 1, RATE);
  const decoded = await context.decodeAudioData(file.slice().buffer);
  const samples = decoded.getChannelData(0);
  const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
  const url = URL.createObjectURL(new Blob([file], { type: mimeType }));
  return { mimeType, bytes: file.length, decoded: decoded.duration, rms: Math.sqrt(power), played: await play(url) };
}

async function refused() {
  try {
    await encode(ENVOY, Format.MP3, 0, tone);
  } catch (error) {
    if (error instanceof CallFailed) return { code: error.code, message: error.message };
    throw error;
  }
  throw new Error("a rate of 0 was taken");
}

const result = { formats: {} };
try {
  for (const name of Object.keys(Format)) result.formats[name] = await heard(name);
  result.refused = await refused();
} catch (error) {
  result.error = String(error?.stack ?? error?.message ?? error);
}
document.getElementById("result").textContent = JSON.stringify(result);
await fetch("/result", { method: "POST", body: JSON.stringify({ seconds: SECONDS, ...result }) });
