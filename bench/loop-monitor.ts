// Loaded into a measured process by `node --import`: how long its event loop was blocked at the longest, told to whoever
// connects to the socket <directory>/<pid>. The answer covers the time since the previous answer.

import { createServer } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';

const RESOLUTION_MS = 1;
const NANOS_PER_MS = 1_000_000;

const directory = process.env.FLYBALL_BENCH_LOOP_DIRECTORY;
if (directory !== undefined) {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.end(String(Math.max(0, delay.max / NANOS_PER_MS - RESOLUTION_MS)));
    delay.reset();
  });
  server.listen(`${directory}/${process.pid}`).unref();
}
