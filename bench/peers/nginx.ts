// nginx as the fastest thing that people put in front of a service: one process, kept-alive connections, limit_req on.

import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { type PinnedProcess, SUBJECT_CORE, startPinned } from '../pinned-process.ts';

const NGINX = '/usr/sbin/nginx';

/** Starts nginx in front of an upstream; undefined, with a printed reason, where it is not installed. */
export async function startNginx(upstream: string): Promise<PinnedProcess | undefined> {
  if (!existsSync(NGINX)) {
    console.log(`nginx is left out: ${NGINX} is not there (Debian: apt-get install nginx-light)`);
    return undefined;
  }
  const directory = mkdtempSync(join(tmpdir(), 'flyball-bench-'));
  const port = await freePort();
  const file = join(directory, 'nginx.conf');
  writeFileSync(file, configuration(directory, port, new URL(upstream).host));
  const start = 'echo "$2"; exec "$0" -c "$1"';
  const nginx = await startPinned(SUBJECT_CORE, ['sh', '-c', start, NGINX, file, `http://127.0.0.1:${port}`]);
  await untilListening(port);
  return {
    ...nginx,
    stop: async () => {
      await nginx.stop();
      rmSync(directory, { recursive: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** nginx does not say when it is ready. */
async function untilListening(port: number): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const socket = connect(port, '127.0.0.1');
    const isOpen = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (isOpen) return;
    await setTimeout(20);
  }
  throw new Error('nginx does not listen');
}

function configuration(directory: string, port: number, upstream: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `  ${name}_temp_path ${directory}/${name};`)
    .join('\n');
  return `user ${userInfo().username};
daemon off;
master_process off;
worker_processes 1;
pid ${directory}/nginx.pid;
error_log stderr crit;
events { worker_connections 2048; }
http {
  access_log off;
${temporary}
  limit_req_zone $binary_remote_addr zone=callers:1m rate=1000000r/s;
  upstream provider { server ${upstream}; keepalive 256; keepalive_requests 100000000; }
  server {
    listen 127.0.0.1:${port};
    keepalive_requests 100000000;
    client_max_body_size 64m;
    client_body_buffer_size 2m;
    location / {
      limit_req zone=callers burst=100000 nodelay;
      proxy_pass http://provider;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
    }
  }
}
`;
}
