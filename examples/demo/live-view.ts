// What happens right now, from the provider's books: a table in place on a terminal, plain lines elsewhere.

import type { Meter } from '../provider/meter.ts';
import { AGENTS } from './spending.ts';

const TERMINAL_INTERVAL_MS = 250;
const PLAIN_INTERVAL_MS = 2_000;

/** Shows the meter until `stop`. */
export function startLiveView(
  meter: Meter,
  isTerminal: boolean,
  write: (text: string) => void,
): { stop(): void } {
  let shown = '';
  const show = (): void => {
    const line = AGENTS.map((agent) => {
      const { calls, inputTokens, outputTokens } = meter.total({ account: agent });
      return `${agent} ${calls} calls ${inputTokens + outputTokens} tokens`;
    }).join(' | ');
    if (line === shown) return;
    shown = line;
    write(isTerminal ? `\r\x1b[2K  ${line}` : `  ${line}\n`);
  };
  const timer = setInterval(show, isTerminal ? TERMINAL_INTERVAL_MS : PLAIN_INTERVAL_MS);
  return {
    stop: () => {
      clearInterval(timer);
      show();
      if (isTerminal) write('\n');
    },
  };
}
