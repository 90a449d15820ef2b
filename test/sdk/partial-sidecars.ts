// Two situations that the whole sidecar cannot be in: a budget that is used up, which no policy can say yet, and a start
// without policies, which a sidecar on plain machines refuses. Each uses as much of the real thing as there is.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Estimator } from '../../core/estimate/estimator.ts';
import { planPolicySet } from '../../core/policy/plan.ts';
import { parsePriceTable } from '../../core/price/parse-price-table.ts';
import { LIST_PRICES } from '../../core/price/prices.ts';
import { createProvider } from '../../examples/provider/provider.ts';
import { createClock } from '../../runtime/clock.ts';
import { createDecisionIds } from '../../sidecar/decision-id.ts';
import { Governor } from '../../sidecar/governor.ts';
import { sendRefusal } from '../../sidecar/http-proxy/answer-sender.ts';
import { HttpProxy } from '../../sidecar/http-proxy/http-proxy.ts';
import { createModelMeter } from '../../sidecar/model-meter.ts';
import { anthropic } from '../../sidecar/protocol/anthropic/protocol.ts';
import { openai } from '../../sidecar/protocol/openai/protocol.ts';
import { createUpstream } from '../../sidecar/upstream.ts';
import { refusalOf } from '../core/signal/refusals.ts';
import { WORKLOAD } from '../sidecar/defaults.ts';
import type { Dialect } from './sdks.ts';
import { reachedBy, type World } from './world.ts';

/** Answers every call as a used-up budget would be answered. Has no upstream at all. */
export async function startExhausted(dialect: Dialect): Promise<World> {
  const { toAnswer } = dialect === 'openai' ? openai : anthropic;
  const ids = createDecisionIds(0);
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      const context = { decisionId: ids.next(), wallClockMs: 0, attempt: 1 };
      sendRefusal(request, response, toAnswer(refusalOf('EXHAUSTED', 'BUDGET_EXHAUSTED', 1), context));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port, // listens on TCP, so never a path or null
    reached: () => 0,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** The real proxy with a governor that gets its first policies after the first answer. */
export async function startWithoutPolicies(dialect: Dialect): Promise<World> {
  const provider = await createProvider();
  const clock = createClock();
  const governor = new Governor({ maxBuckets: 100, maxKeysPerAgent: 100, maxChains: 100 }, clock);
  const protocol = dialect === 'openai' ? openai : anthropic;
  const url = new URL(dialect === 'openai' ? provider.openaiBaseUrl : provider.anthropicBaseUrl);
  const upstream = createUpstream(dialect, url, protocol, {
    timeouts: { connectMs: 1_000, headersMs: 10_000, bodyMs: 10_000 },
    caFile: undefined,
    useEnvProxy: false,
  });
  const proxy = new HttpProxy({
    governor,
    clock,
    meter: createModelMeter(new Estimator(), readListPrices()),
    observer: { decided: () => undefined, abandoned: () => undefined, settled: () => undefined },
    workload: WORKLOAD,
    maxBodyBytes: 2 ** 20,
    nextDecisionId: createDecisionIds(0).next,
    upstreams: new Map([[dialect, upstream]]),
    own: { limits: () => ({ limits: [] }), decision: () => undefined },
    headersTimeoutMs: 5_000,
    requestTimeoutMs: 10_000,
  });
  const { port } = await proxy.listen('127.0.0.1', 0);
  return {
    port,
    reached: () => reachedBy(provider.meter.report()),
    meanwhile: async (tap) => {
      await tap.answered(1);
      governor.apply(planPolicySet([], {}, 1));
    },
    close: async () => {
      await proxy.close(0);
      governor.close();
      await upstream.dispatcher.destroy();
      await provider.close();
    },
  };
}

function readListPrices(): Parameters<typeof createModelMeter>[1] {
  const parsed = parsePriceTable(LIST_PRICES);
  if (parsed.kind === 'invalid') throw new Error('the built-in price table is not valid');
  return parsed.table;
}
