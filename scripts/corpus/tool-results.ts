// JSON and code for the corpus: what tools answer to agents, and the source files that agents read.

import type { Choices } from './random.ts';

const HEX = '0123456789abcdef';
const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const WORDS = [
  'order',
  'invoice',
  'customer',
  'session',
  'bucket',
  'retry',
  'worker',
  'region',
  'shard',
  'token',
  'budget',
  'queue',
  'policy',
  'replica',
  'cursor',
  'tenant',
  'ledger',
  'payload',
  'snapshot',
  'gateway',
];
const FIRST = ['Amara', 'Bjorn', 'Chidi', 'Farida', 'Goran', 'Hinata', 'Imogen', 'Kofi'];
const LAST = ['Adeyemi', 'Lindqvist', 'Moreau', 'Okonkwo', 'Tanaka', 'Whitcombe', 'Silva', 'Novak'];
const CITIES = ['Lisbon', 'Osaka', 'Gothenburg', 'Valparaiso', 'Leeds', 'Nairobi', 'Saskatoon'];

type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

function instant({ between }: Choices): string {
  const two = (low: number, high: number): string => String(between(low, high)).padStart(2, '0');
  return `${between(2019, 2026)}-${two(1, 12)}-${two(1, 28)}T${two(0, 23)}:${two(0, 59)}:${two(0, 59)}Z`;
}

function uuid({ text }: Choices): string {
  return [8, 4, 4, 4, 12].map((length) => text(HEX, length)).join('-');
}

const word = (choices: Choices): string => choices.pick(WORDS);

function person(choices: Choices): Json {
  const first = choices.pick(FIRST);
  const last = choices.pick(LAST);
  return {
    id: choices.between(1, 99_999),
    name: `${first} ${last}`,
    email: `${first}.${last}@example.com`.toLowerCase(),
    city: choices.pick(CITIES),
    active: choices.pick([true, false]),
    lastLogin: choices.pick([instant(choices), null]),
    roles: choices.pick([['admin', 'editor'], ['viewer'], ['editor', 'billing'], []]),
  };
}

function order(choices: Choices): Json {
  return {
    order_id: uuid(choices),
    created_at: instant(choices),
    currency: choices.pick(['EUR', 'USD', 'JPY', 'GBP']),
    total: choices.between(100, 99_999) / 100,
    lines: [
      {
        sku: choices.text('ABCDEFGHJKLMNP0123456789', 8),
        quantity: choices.between(1, 9),
        unit_price: choices.between(50, 9_999) / 100,
      },
      {
        sku: choices.text('ABCDEFGHJKLMNP0123456789', 8),
        quantity: choices.between(1, 9),
        unit_price: choices.between(50, 9_999) / 100,
      },
    ],
    status: choices.pick(['pending', 'shipped', 'delivered', 'refunded', 'cancelled']),
  };
}

function pod(choices: Choices): Json {
  const app = `${word(choices)}-${word(choices)}`;
  return {
    metadata: {
      name: `${app}-${choices.text(HEX, 10)}-${choices.text('bcdfghjklmnpqrstvwxz2456789', 5)}`,
      namespace: choices.pick(['default', 'payments', 'search', 'kube-system']),
      labels: { app, 'pod-template-hash': choices.text(HEX, 10) },
    },
    status: {
      phase: choices.pick(['Running', 'Pending', 'Failed']),
      podIP: `10.${choices.between(0, 255)}.${choices.between(0, 255)}.${choices.between(1, 254)}`,
      containerStatuses: [
        { name: 'main', ready: choices.pick([true, false]), restartCount: choices.between(0, 40) },
      ],
    },
  };
}

function searchHit(choices: Choices): Json {
  return {
    title: `${word(choices)} ${word(choices)}: how the ${word(choices)} handles a missing ${word(choices)}`,
    url: `https://docs.example.com/${word(choices)}/${word(choices)}#${word(choices)}-${choices.between(1, 40)}`,
    score: choices.between(1, 9_999) / 10_000,
    snippet: `The ${word(choices)} is written once per ${word(choices)}; a ${word(choices)} that arrives late is applied to its own ${word(choices)}.`,
  };
}

function logLine(choices: Choices): Json {
  return {
    ts: choices.between(1_600_000_000_000, 1_790_000_000_000),
    level: choices.pick(['info', 'warn', 'error', 'debug']),
    logger: `${word(choices)}.${word(choices)}`,
    msg: `${word(choices)} ${choices.pick(['accepted', 'rejected', 'timed out', 'retried', 'settled'])} after ${choices.between(1, 5_000)} ms`,
    trace_id: choices.text(HEX, 32),
    span_id: choices.text(HEX, 16),
  };
}

function measurement(choices: Choices): Json {
  return [
    choices.between(1_600_000_000, 1_790_000_000),
    choices.between(-4_000, 9_000) / 100,
    choices.between(0, 1_000) / 1_000,
  ];
}

function toolSchema(choices: Choices): Json {
  const name = word(choices);
  return {
    name: `${choices.pick(['get', 'list', 'update', 'delete'])}_${name}_${word(choices)}`,
    description: `Returns the ${name} with the given identifier, or an error when the ${word(choices)} has expired.`,
    parameters: {
      type: 'object',
      properties: {
        [`${name}_id`]: { type: 'string', description: `Identifier of the ${name}.` },
        limit: { type: 'integer', minimum: 1, maximum: choices.between(10, 500) },
        [word(choices)]: { type: 'string', enum: [word(choices), word(choices), word(choices)] },
      },
      required: [`${name}_id`],
    },
  };
}

function file(choices: Choices): Json {
  return {
    path: `src/${word(choices)}/${word(choices)}-${word(choices)}.ts`,
    sha256: choices.text(HEX, 64),
    bytes: choices.between(80, 90_000),
    preview: choices.text(BASE64, 40),
  };
}

const RECORDS = [person, order, pod, searchHit, logLine, measurement, toolSchema, file, person, order];

/** A JSON document of at least `bytes` bytes: one kind of record, printed compact or indented. */
export function jsonDocument(bytes: number, choices: Choices): string {
  const record = choices.pick(RECORDS);
  const indent = choices.pick([0, 0, 2]);
  const items: Json[] = [];
  let text = '';
  while (text.length < bytes) {
    items.push(record(choices));
    text = JSON.stringify(items.length === 1 ? items[0] : { items, next_cursor: null }, null, indent);
  }
  return text;
}

const capital = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1);

function typescriptFunction(choices: Choices): string {
  const [subject, other] = [word(choices), word(choices)];
  return `/** Removes every ${subject} that is older than the given ${other}. */
export function prune${capital(subject)}s(${subject}s: Map<string, ${capital(subject)}>, maxAgeMs: number, nowMs: number): number {
  let removed = 0;
  for (const [id, ${subject}] of ${subject}s) {
    if (nowMs - ${subject}.updatedAtMs <= maxAgeMs || ${subject}.${other} !== undefined) continue;
    ${subject}s.delete(id);
    removed += ${choices.between(1, 3)};
  }
  return removed;
}
`;
}

function pythonFunction(choices: Choices): string {
  const [subject, other] = [word(choices), word(choices)];
  return `def load_${subject}(path: str, *, ${other}: int = ${choices.between(1, 500)}) -> list[dict]:
    """Read ${subject} rows and skip those without a ${other}."""
    rows = []
    with open(path, encoding="utf-8") as handle:
        for number, line in enumerate(handle, start=1):
            row = json.loads(line)
            if row.get("${other}") is None:
                logger.warning("line %d has no ${other}", number)
                continue
            rows.append(row)
    return rows[:${other}]
`;
}

function sqlQuery(choices: Choices): string {
  const [subject, other] = [word(choices), word(choices)];
  return `SELECT ${subject}.id, ${subject}.created_at, COUNT(${other}.id) AS ${other}_count
FROM ${subject}s AS ${subject}
LEFT JOIN ${other}s AS ${other} ON ${other}.${subject}_id = ${subject}.id
WHERE ${subject}.created_at >= '${instant(choices)}' AND ${subject}.status <> 'deleted'
GROUP BY 1, 2
HAVING COUNT(${other}.id) > ${choices.between(0, 90)}
ORDER BY ${other}_count DESC
LIMIT ${choices.between(5, 500)};
`;
}

/** A source file of at least `bytes` bytes in one language. */
export function sourceCode(bytes: number, choices: Choices): string {
  const write = choices.pick([typescriptFunction, pythonFunction, sqlQuery]);
  let text = '';
  while (text.length < bytes) text += `${text === '' ? '' : '\n'}${write(choices)}`;
  return text;
}
