// Streams in real time, then streams as fast as the server accepts them.
//
//   k6 run lab/load/k6.js                        against localhost:50051
//   k6 run -e TARGET=host:port -e TLS=1 -e TOKEN=... -e STREAMS=50 -e SECONDS=60 -e LIMIT_MS=200 lab/load/k6.js
import { check } from 'k6';
import encoding from 'k6/encoding';
import { Counter, Rate, Trend } from 'k6/metrics';
import { Client, Stream } from 'k6/net/grpc';

const TARGET = __ENV.TARGET || 'localhost:50051';
const STREAMS = Number(__ENV.STREAMS || 4);
const SECONDS = Number(__ENV.SECONDS || 3);
const LIMIT_MS = Number(__ENV.LIMIT_MS || 500);
const FRAME_MS = 20;
const SAMPLE_BYTES = 2;

const messages = JSON.parse(open(__ENV.MESSAGES || '../../build/load/messages.json'));
const inputSamples = messages.reduce((sum, message) => sum + size(message.pcm) / SAMPLE_BYTES, 0);

const started = new Counter('streams_started');
const finished = new Rate('streams_finished');
const firstByte = new Trend('stream_first_byte', true);
const finish = new Trend('stream_finish', true); // from the half-close to the end
const length = new Trend('stream_length', true);
const fileBytes = new Counter('stream_bytes');

const client = new Client();

export const options = {
  scenarios: {
    realtime: { executor: 'constant-vus', exec: 'realtime', vus: STREAMS, duration: `${SECONDS}s`, gracefulStop: '30s' },
    bulk: {
      executor: 'constant-vus',
      exec: 'bulk',
      vus: STREAMS,
      startTime: `${SECONDS + 3}s`,
      duration: `${SECONDS}s`,
      gracefulStop: '30s',
    },
  },
  thresholds: {
    streams_started: ['count>0'],
    streams_finished: ['rate==1'],
    checks: ['rate==1'],
    'stream_first_byte{scenario:realtime}': [`p(95)<${LIMIT_MS}`],
    'stream_finish{scenario:realtime}': [`p(95)<${LIMIT_MS}`],
  },
};

export function realtime() {
  encode((write, end) => {
    let next = 0;
    const timer = setInterval(() => {
      write(messages[next++]);
      if (next === messages.length) {
        clearInterval(timer);
        end();
      }
    }, FRAME_MS);
    return () => clearInterval(timer);
  });
}

export function bulk() {
  encode((write, end) => {
    messages.forEach(write);
    end();
    return () => {};
  });
}

// Opens a stream, runs `send` on it, and checks the result when the stream has ended. `send` returns a function that stops it.
function encode(send) {
  if (__ITER === 0) {
    client.connect(TARGET, { plaintext: !__ENV.TLS, reflect: true });
  }
  const metadata = __ENV.TOKEN ? { authorization: `Bearer ${__ENV.TOKEN}` } : {};
  const stream = new Stream(client, 'audiowriter.v1.AudioWriterService/EncodeStream', { metadata });
  const begin = Date.now();
  let halfClosed = begin;
  let bytes = 0;
  let totals = null;
  started.add(1);
  stream.on('data', (response) => {
    if (response.chunk) {
      if (bytes === 0) {
        firstByte.add(Date.now() - begin);
      }
      bytes += size(response.chunk.data);
    } else if (response.finished) {
      totals = response.finished.totals;
      bytes += size(response.finished.trailer || '');
      finish.add(Date.now() - halfClosed);
      length.add(Date.now() - begin);
    }
  });
  stream.on('error', (error) => {
    console.error(`${error.code}: ${error.message}`);
  });
  stream.on('end', () => {
    stop();
    finished.add(totals !== null);
    check(totals || {}, {
      'file_bytes are the received bytes': (sums) => Number(sums.fileBytes) === bytes,
      'input_samples are the sent samples': (sums) => Number(sums.inputSamples) === inputSamples,
    });
    fileBytes.add(bytes);
  });
  const stop = send(
    (message) => stream.write(message),
    () => {
      stream.end();
      halfClosed = Date.now();
    },
  );
}

function size(base64) {
  return encoding.b64decode(base64).byteLength;
}
