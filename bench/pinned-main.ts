// What the small servers of the benchmarks share: they say where they listen and live as long as their parent.

import type { AddressInfo, Server } from 'node:net';

/** Listens on a free loopback port, prints its URL as the first line, and exits with its parent or on SIGTERM. */
export function serveUntilStdinEnds(server: Server): void {
  server.listen(0, '127.0.0.1', () => {
    // A server on a port has an address with a port.
    console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  });
  process.on('SIGTERM', () => process.exit(0));
  process.stdin.resume().on('end', () => process.exit(0));
}
