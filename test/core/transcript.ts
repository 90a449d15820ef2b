// Conversations with a decider as text: commands, a line of dashes, and everything that was decided. In the style of
// the test data of etcd's raft. Amounts are tokens; times are milliseconds since the start.
//
//   limits             indented lines: NAME TotalTokens LIMIT/WINDOWms | NAME Requests … | NAME Concurrency MAX,
//                      then burst=N per=user,agent hold=MS (onLimit) shadow
//                      restrict GLOB… forbids tools
//   bounds             keys=N per-agent=N: must come before the first limits
//   call NAME TOKENS   [user= session= agent= tool=] [hold=MS: what the client allows] [caller=N] [known=TOKENS]
//   calls N TOKENS …   the same, N times: NAME1 to NAMEn, told in one line for each kind of outcome
//   settle NAME…       [used=TOKENS], otherwise as reserved
//   topup NAME used=N  bytes have flown
//   giveup NAME        a held caller has gone
//   advance MS         time passes; whoever is held is decided in time
//   sweep, show        forget what may be forgotten; how every bucket stands

import type { Call } from '../../core/call.ts';
import { Decider, type Decision } from '../../core/decide.ts';
import type { HeldCall } from '../../core/engine/hold-queue.ts';
import type { LimitRule, PolicySet } from '../../core/policy/plan.ts';
import type { Unit } from '../../core/unit.ts';
import { amounts, costOf, createCall, createRule, createToolRule } from './sample-rules.ts';

type Options = ReadonlyMap<string, string>;

/** The transcript with what the code says now. */
export function replay(text: string): string {
  const conversation = new Conversation();
  const blocks = text.trimEnd().split(/\n\n+/);
  return `${blocks.map((block) => replayBlock(conversation, block)).join('\n\n')}\n`;
}

function replayBlock(conversation: Conversation, block: string): string {
  const lines = block.split('\n');
  const end = lines.indexOf('----');
  const asked = end < 0 ? lines : lines.slice(0, end);
  const command = asked.filter((line) => !line.startsWith('#'));
  if (command.length === 0) return block;
  return [...asked, '----', ...conversation.run(command)].join('\n');
}

class Conversation {
  #decider = new Decider({ maxBuckets: 1_000, maxKeysPerAgent: 1_000, maxChains: 100 });
  readonly #open = new Map<string, number>();
  readonly #held = new Map<HeldCall, string>();
  #revision = 0;
  #nowMs = 0;

  run(lines: readonly string[]): string[] {
    const [name, ...words] = (lines[0] ?? '').split(' ');
    const options = optionsOf(words);
    const plain = words.filter((word) => !word.includes('='));
    switch (name) {
      case 'bounds':
        return this.#bounds(options);
      case 'limits':
        return this.#limits(lines.slice(1));
      case 'call':
        return [this.#call(plain[0] ?? '', Number(plain[1]), options)];
      case 'calls':
        return this.#calls(plain, options);
      case 'settle':
        return [...plain.map((each) => this.#settle(each, options)), ...this.#wake()];
      case 'topup':
        return [this.#topUp(plain[0] ?? '', Number(options.get('used')))];
      case 'giveup':
        return [...this.#giveUp(plain[0] ?? ''), ...this.#wake()];
      case 'advance':
        return this.#advance(Number(plain[0]));
      case 'sweep':
        this.#decider.sweep(this.#nowMs);
        return [...this.#wake(), this.#counts()];
      case 'show':
        return [...this.#show(), this.#counts()];
      default:
        throw new Error(`unknown command: ${lines[0]}`);
    }
  }

  #bounds(options: Options): string[] {
    const maxBuckets = Number(options.get('keys'));
    this.#decider = new Decider({
      maxBuckets,
      maxKeysPerAgent: Number(options.get('per-agent')),
      maxChains: 100,
    });
    return ['ok'];
  }

  #limits(lines: readonly string[]): string[] {
    const words = lines.map((line) => line.trim().split(' '));
    const rules = words.filter(([first]) => first !== 'restrict').map(toRule);
    const tools = words
      .filter(([first]) => first === 'restrict')
      .map(([, ...restricted]) => createToolRule({ restricted }));
    this.#revision += 1;
    const set: PolicySet = { revision: this.#revision, rules, tools };
    this.#decider.apply(set, this.#nowMs);
    return [`revision ${this.#revision}: ${rules.length} limits`, ...this.#wake()];
  }

  #decide(name: string, tokens: number, options: Options): Decision {
    const call = toCall(options);
    const known = Number(options.get('known') ?? tokens);
    const count = { Requests: 1, Concurrency: 1 };
    const decision = this.#decider.decide(
      {
        call,
        cost: costOf({ ...count, TotalTokens: tokens }, { ...count, TotalTokens: known }),
        metering: 'complete',
        maxHoldMs: Number(options.get('hold') ?? 60_000),
        callerHash: () => Number(options.get('caller') ?? 0),
      },
      this.#nowMs,
    );
    if (decision.kind === 'admit') this.#open.set(name, decision.reservation);
    if (decision.kind === 'hold') this.#held.set(decision.held, name);
    return decision;
  }

  #call(name: string, tokens: number, options: Options): string {
    return `${name} ${toText(this.#decide(name, tokens, options))}`;
  }

  #calls(plain: readonly string[], options: Options): string[] {
    const [name = '', count, tokens] = plain;
    const outcomes = new Map<string, string[]>();
    for (let i = 1; i <= Number(count); i++) {
      const each = new Map([...options].map(([key, value]) => [key, value.replace('#', String(i))]));
      const outcome = toText(this.#decide(`${name}${i}`, Number(tokens), each));
      outcomes.set(outcome, [...(outcomes.get(outcome) ?? []), `${name}${i}`]);
    }
    return [...outcomes].map(([outcome, names]) => `${toRange(names)} ${outcome}`);
  }

  #settle(name: string, options: Options): string {
    const used = options.get('used');
    const actual = used === undefined ? undefined : amounts({ Requests: 1, TotalTokens: Number(used) });
    const settled = this.#decider.settle(this.#open.get(name) ?? -1, actual, this.#nowMs);
    return settled ? `${name} settled` : `${name} was settled already`;
  }

  #topUp(name: string, used: number): string {
    const open = this.#decider.topUp(this.#open.get(name) ?? -1, amounts({ TotalTokens: used }), this.#nowMs);
    return open ? 'ok' : `${name} was settled already`;
  }

  #giveUp(name: string): string[] {
    const held = [...this.#held].find(([, each]) => each === name)?.[0];
    if (held === undefined || !this.#decider.giveUp(held)) return [`${name} is not held`];
    this.#held.delete(held);
    return [`${name} gave up`];
  }

  #advance(elapsedMs: number): string[] {
    const untilMs = this.#nowMs + elapsedMs;
    const woken: string[] = [];
    while (this.#decider.nextWakeMs() <= untilMs) {
      this.#nowMs = Math.max(this.#nowMs, this.#decider.nextWakeMs());
      woken.push(...this.#wake());
    }
    this.#nowMs = untilMs;
    return [...woken, `now ${this.#nowMs}`];
  }

  #wake(): string[] {
    return this.#decider.wake(this.#nowMs).map(({ held, decision }) => {
      const name = this.#held.get(held) ?? '?';
      this.#held.delete(held);
      if (decision.kind === 'admit') this.#open.set(name, decision.reservation);
      return `at ${this.#nowMs} ${name} ${toText(decision)}, held ${this.#nowMs - held.joinedAtMs}`;
    });
  }

  #show(): string[] {
    return (this.#decider.policySet?.rules ?? []).flatMap((rule) =>
      [...this.#decider.standingsByKey(rule, this.#nowMs)].map(({ key, standing }) => {
        const name = `${rule.limit}${key.join() === '' ? '' : `[${key.join()}]`}`;
        return `${name}: ${standing.remaining} of ${rule.shape.capacity}, full in ${standing.resetMs}`;
      }),
    );
  }

  #counts(): string {
    const { reservations, held, keys, overflow } = this.#decider.counts;
    return `${reservations} open, ${held} held, ${keys} keys, ${overflow} overflow buckets`;
  }
}

function optionsOf(words: readonly string[]): Options {
  return new Map(
    words.flatMap((word): [string, string][] => {
      const [key, value] = word.split('=');
      return key === undefined || value === undefined ? [] : [[key, value]];
    }),
  );
}

function toRule([limit, unit, amount = '', ...rest]: readonly string[]): LimitRule {
  const options = optionsOf(rest);
  const [most = '', window = '0'] = amount.split('/');
  const isGauge = unit === 'Concurrency';
  return createRule({
    limit: limit ?? '',
    // A transcript with another unit fails by its text.
    unit: unit as Unit,
    shape: {
      capacity: Number(options.get('burst') ?? most),
      limit: isGauge ? 0 : Number(most),
      windowMs: isGauge ? 0 : Number(window.replace('ms', '')),
    },
    per: (options.get('per')?.split(',') ?? []) as LimitRule['per'], // As above.
    maxWaitMs: Number(options.get('hold') ?? 0),
    shadow: rest.includes('shadow'),
  });
}

function toCall(options: Options): Call {
  const tool = options.get('tool');
  return createCall({
    agent: options.get('agent') ?? 'a',
    user: options.get('user') ?? 'unknown',
    session: options.get('session') ?? 's',
    ...(tool === undefined ? {} : { kind: 'HTTP', tool, toolNames: [tool] }),
  });
}

function toText(decision: Decision): string {
  if (decision.kind === 'hold') return `held until ${decision.held.deadlineMs} at the latest`;
  if (decision.kind === 'admit') {
    const names = (decision.shadow?.violations ?? []).map(({ limit }) => limit).join(', ');
    return names === '' ? 'admitted' : `admitted, against the Shadow limits ${names}`;
  }
  const { class: denyClass, reason, waitMs, violations } = decision.refusal;
  const wait = waitMs > 0 ? `, wait ${waitMs}` : '';
  const limits = violations.map(
    (each) => `${each.limit} has ${each.remaining} of the ${each.requested} asked`,
  );
  return [`refused: ${denyClass} ${reason}${wait}`, ...limits].join('; ');
}

/** `a1 a2 a3` as `a1..a3`; names that are no single run one by one. */
function toRange(names: readonly string[]): string {
  const [first = '', last = ''] = [names[0], names.at(-1)];
  const numberOf = (name: string) => Number(name.replace(/^\D+/, ''));
  const isRun = numberOf(last) - numberOf(first) === names.length - 1;
  return names.length > 1 && isRun ? `${first}..${last}` : names.join(' ');
}
