// A strict reader of the Prometheus text format 0.0.4, written from its specification and from nothing of ours.
// It throws at whatever a scraper would refuse, and at what a scraper would take but mistake.

type Sample = {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
};

type Family = {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly samples: readonly Sample[];
};

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
const SAMPLE = /^([^{ ]+)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([^=,]+)="((?:[^"\\\n]|\\["\\n])*)"(,|$)/y;
const VALUE = /^(?:[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|[+-]Inf|NaN)$/i;
const TYPES = ['counter', 'gauge', 'histogram'] as const;

/** Every family by name. */
export function parsePrometheusText(text: string): ReadonlyMap<string, Family> {
  if (text !== '' && !text.endsWith('\n')) throw new Error('the text does not end with a line break');
  const families = new Map<string, Family>();
  for (const block of text.split(/^(?=# HELP )/m)) {
    if (block === '') continue;
    const family = parseFamily(block.split('\n').filter((line) => line !== ''));
    if (families.has(family.name)) throw new Error(`family ${family.name} comes twice`);
    families.set(family.name, family);
  }
  return families;
}

/** HELP first, TYPE before the samples; a comment UNIT may stand between them. */
function parseFamily(lines: readonly string[]): Family {
  const [first = '', ...others] = lines;
  const [, name = '', help = ''] = /^# HELP (\S+) (.*)$/.exec(first) ?? [];
  if (!NAME.test(name)) throw new Error(`not the head of a family: ${first}`);
  const rest = others[0]?.startsWith(`# UNIT ${name} `) ? others.slice(1) : others;
  const [, typedName, type = ''] = /^# TYPE (\S+) (\S+)$/.exec(rest[0] ?? '') ?? [];
  if (typedName !== name) throw new Error(`${name} has no TYPE before its samples`);
  const family = {
    name,
    type: parseType(type),
    help: unescapeHelp(help),
    samples: rest.slice(1).map((line) => parseSample(line)),
  };
  checkFamily(family);
  return family;
}

function parseType(text: string): Family['type'] {
  const type = TYPES.find((known) => known === text);
  if (type === undefined) throw new Error(`unknown type ${text}`);
  return type;
}

function unescapeHelp(text: string): string {
  if (!/^(?:[^\\]|\\[\\n])*$/.test(text)) throw new Error(`bad escape in the help ${text}`);
  return text.replace(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped));
}

function parseSample(line: string): Sample {
  const [, name = '', labelText, valueText = ''] = SAMPLE.exec(line) ?? [];
  if (!NAME.test(name) || !VALUE.test(valueText)) throw new Error(`not a sample: ${line}`);
  return {
    name,
    labels: labelText === undefined ? {} : parseLabels(labelText),
    value: parseValue(valueText),
  };
}

function parseValue(text: string): number {
  return text === '' ? Number.NaN : Number(text.replace(/Inf$/, 'Infinity'));
}

function parseLabels(text: string): Readonly<Record<string, string>> {
  const labels: Record<string, string> = {};
  LABEL.lastIndex = 0;
  let end = 0;
  while (end < text.length) {
    const [whole, name = '', escaped = ''] = LABEL.exec(text) ?? [];
    if (whole === undefined || !LABEL_NAME.test(name)) throw new Error(`bad labels: ${text}`);
    if (name in labels) throw new Error(`label ${name} comes twice: ${text}`);
    labels[name] = escaped.replace(/\\(.)/g, (_, char: string) => (char === 'n' ? '\n' : char));
    end = LABEL.lastIndex;
  }
  return labels;
}

function checkFamily(family: Family): void {
  const series = family.samples.map((sample) => `${sample.name} ${keyOf(sample.labels)}`);
  if (new Set(series).size !== series.length) throw new Error(`a series of ${family.name} comes twice`);
  if (family.type === 'histogram') {
    checkHistogram(family);
    return;
  }
  if (family.samples.some((sample) => sample.name !== family.name)) {
    throw new Error(`foreign sample in ${family.name}`);
  }
  if (family.type === 'counter' && !family.name.endsWith('_total')) {
    throw new Error(`counter ${family.name} does not end in _total`);
  }
  if (family.type === 'counter' && family.samples.some((sample) => !(sample.value >= 0))) {
    throw new Error(`${family.name} is below 0`);
  }
}

function checkHistogram(family: Family): void {
  const named = (suffix: string) => family.samples.filter((sample) => sample.name === family.name + suffix);
  const counts = named('_count');
  const sums = named('_sum');
  const buckets = named('_bucket').map(({ labels: { le = '', ...labels }, value }) => ({
    key: keyOf(labels),
    bound: parseValue(le),
    value,
  }));
  const counted = new Set(counts.map((count) => keyOf(count.labels)));
  if (buckets.length + counts.length + sums.length !== family.samples.length) {
    throw new Error(`foreign sample in ${family.name}`);
  }
  const unequal = counts.length !== sums.length || sums.some((sum) => !counted.has(keyOf(sum.labels)));
  if (unequal || buckets.some((bucket) => !counted.has(bucket.key))) {
    throw new Error(`${family.name} has a sum, a count or buckets without the others`);
  }
  for (const { labels, value } of counts) {
    const own = buckets.filter((bucket) => bucket.key === keyOf(labels));
    checkBuckets(family.name, own, value);
  }
}

function checkBuckets(
  name: string,
  buckets: readonly { readonly bound: number; readonly value: number }[],
  count: number,
): void {
  for (const [at, bucket] of buckets.entries()) {
    const before = buckets[at - 1] ?? { bound: Number.NEGATIVE_INFINITY, value: 0 };
    if (!(bucket.bound > before.bound)) throw new Error(`the bounds of ${name} do not ascend`);
    if (!(bucket.value >= before.value)) throw new Error(`the buckets of ${name} are not cumulative`);
  }
  const last = buckets.at(-1);
  if (last?.bound !== Number.POSITIVE_INFINITY) throw new Error(`${name} has no bucket +Inf`);
  if (last.value !== count) throw new Error(`bucket +Inf of ${name} is not its count`);
}

function keyOf(labels: Readonly<Record<string, string>>): string {
  return JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
}
