// Starts the mock provider by hand: node examples/provider/main.ts --port 4010

import { parseArgs } from 'node:util';
import { createProvider } from './provider.ts';

const HELP = `A mock of the OpenAI and Anthropic APIs that keeps its own books.

  node examples/provider/main.ts [--port 4010]

Every setting is a request header, for example (see examples/provider/behaviour.ts and fault.ts):
  x-provider-output-tokens: 200    x-provider-event-delay-ms: 50    x-provider-status: 429
  x-provider-fault: abort:3        x-provider-usage: none           x-provider-encoding: gzip
`;

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '4010' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

const port = Number(values.port);

if (values.help) {
  process.stdout.write(HELP);
} else if (!Number.isInteger(port) || port < 0 || port > 65_535) {
  console.error(`--port: ${values.port} is not a port; use a whole number from 0 (any free port) to 65535`);
  process.exitCode = 2;
} else {
  const provider = await createProvider({ port });
  console.log(`OPENAI_BASE_URL=${provider.openaiBaseUrl}`);
  console.log(`ANTHROPIC_BASE_URL=${provider.anthropicBaseUrl}`);
  console.log(`tools: ${provider.url}/tools/<name>   meter: ${provider.url}/meter`);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void provider.close());
  }
}
