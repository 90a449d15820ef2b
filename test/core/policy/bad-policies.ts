// One row per rule of the language: a document with this one problem, and where and how it is reported.

import { withDollars, withLimit, withRate, withSpec, withTop, writtenLimit } from './policies.ts';

/** `value` is how the shown value begins; `fragment` is a part of the message. */
export type BadPolicy = readonly [
  rule: string,
  document: unknown,
  path: string,
  value: string,
  fragment: string,
];

const rate = { limit: 5, window: '1m' };
const manyLabels = Object.fromEntries(Array.from({ length: 33 }, (_, n) => [`k${n}`, 'x']));
const manyLimits = Array.from({ length: 33 }, (_, n) => writtenLimit({ name: `n${n}` }));
const manyRates = [1, 2, 3, 4, 5].map((n) => ({ limit: 5, window: `${n}m` }));
const noRates = { unit: 'Concurrency', rates: undefined };
const withDollarsFor = (match: unknown) => withLimit({ unit: 'USD', match });

// biome-ignore format: one row per line
const DOCUMENT_ROWS: readonly BadPolicy[] = [
  ['nothing is no policy', undefined, '', '', 'must be a map with the fields apiVersion'],
  ['an empty document is no policy', null, '', 'null', 'must be a map with the fields apiVersion'],
  ['a list is no policy', [withSpec({})], '', '[{"apiVersion":"flyball', 'must be a map'],
  ['a text is no policy', 'kind', '', '"kind"', 'must be a map'],
  ['apiVersion is required', withTop({ apiVersion: undefined }), 'apiVersion', '', 'is required: write flyball.dev/v1alpha1'],
  ['apiVersion is fixed', withTop({ apiVersion: 'flyball.dev/v1' }), 'apiVersion', '"flyball.dev/v1"', 'must be flyball.dev/v1alpha1'],
  ['kind is required', withTop({ kind: undefined }), 'kind', '', 'is required: write RateLimitPolicy'],
  ['kind is one of two', withTop({ kind: 'RatelimitPolicy' }), 'kind', '"RatelimitPolicy"', 'did you mean RateLimitPolicy?'],
  ['a foreign kind is named', withTop({ kind: 'ConfigMap' }), 'kind', '"ConfigMap"', 'must be RateLimitPolicy or ClusterRateLimitPolicy'],
  ['metadata is required', withTop({ metadata: undefined }), 'metadata', '', 'is required: write a map with the fields name, namespace'],
  ['name is required', withTop({ metadata: {} }), 'metadata.name', '', 'is required: write a name'],
  ['name has no capitals', withTop({ metadata: { name: 'Sample' } }), 'metadata.name', '"Sample"', 'lower-case letters'],
  ['name has no trailing dash', withTop({ metadata: { name: 'a-' } }), 'metadata.name', '"a-"', 'lower-case letters'],
  ['name has at most 253 characters', withTop({ metadata: { name: 'a'.repeat(254) } }), 'metadata.name', '"aaa', 'at most 253 characters'],
  ['namespace has no dots', withTop({ metadata: { name: 'a', namespace: 'a.b' } }), 'metadata.namespace', '"a.b"', 'letters, digits and dashes'],
  ['namespace has at most 63 characters', withTop({ metadata: { name: 'a', namespace: 'a'.repeat(64) } }), 'metadata.namespace', '"aaa', 'at most 63'],
  ['namespace is not empty', withTop({ metadata: { name: 'a', namespace: null } }), 'metadata.namespace', 'null', 'not empty: give a value or remove the field'],
  ['metadata has known fields', withTop({ metadata: { name: 'a', lables: {} } }), 'metadata.lables', '{}', 'did you mean labels?'],
  ['annotations are strings', withTop({ metadata: { name: 'a', annotations: { 'a/b': 1 } } }), 'metadata.annotations["a/b"]', '1', 'a quoted string'],
  ['the top has known fields', withTop({ specs: 1 }), 'specs', '1', 'did you mean spec?'],
  ['a field of spec does not stand at the top', withTop({ limits: [] }), 'limits', '[]', 'limits belongs in spec'],
  ['spec is required', withTop({ spec: undefined }), 'spec', '', 'is required: write a map with the fields selector, mode'],
  ['spec is not empty', withTop({ spec: null }), 'spec', 'null', 'must be a map with the fields selector'],
  ['a policy enforces something', withTop({ spec: {} }), 'spec', '{}', 'has nothing to enforce: give limits, restrictedTools or allowedTools'],
  ['what detects nothing enforces nothing', withTop({ spec: { anomaly: { action: 'Off' } } }), 'spec', '{"anomaly":{"action":"Off"}}', 'has nothing to enforce'],
  ['an anomaly without action enforces nothing', withTop({ spec: { anomaly: {} } }), 'spec', '{"anomaly":{}}', 'has nothing to enforce'],
  ['all tools allowed enforces nothing', withTop({ spec: { allowedTools: ['a', '*'] } }), 'spec', '{"allowedTools":["a","*"]}', 'has nothing to enforce'],
  ['defaults enforce nothing', withTop({ spec: { mode: 'Shadow', selector: {}, priority: 'Normal', failureMode: 'Share', restrictedTools: [] } }), 'spec', '{"mode"', 'has nothing to enforce'],
  ['an empty restrictedTools enforces nothing', withTop({ spec: { restrictedTools: [] } }), 'spec', '{"restrictedTools":[]}', 'has nothing to enforce'],
];

// biome-ignore format: one row per line
const SPEC_ROWS: readonly BadPolicy[] = [
  ['mode is one of two', withSpec({ mode: 'shadow' }), 'spec.mode', '"shadow"', 'did you mean Shadow?'],
  ['an enum is a string', withSpec({ mode: true }), 'spec.mode', 'true', 'must be Enforce or Shadow'],
  ['priority is known', withSpec({ priority: 'Medium' }), 'spec.priority', '"Medium"', 'one of Critical, High, Normal, Low, Background'],
  ['failureMode is known', withSpec({ failureMode: 'Opn' }), 'spec.failureMode', '"Opn"', 'did you mean Open?'],
  ['selector has known fields', withSpec({ selector: { matchExpressions: [] } }), 'spec.selector.matchExpressions', '[]', 'the fields are matchLabels'],
  ['labels do not stand in the selector itself', withSpec({ selector: { app: 'x' } }), 'spec.selector.app', '"x"', 'the fields are matchLabels'],
  ['label values are strings', withSpec({ selector: { matchLabels: { version: 1 } } }), 'spec.selector.matchLabels.version', '1', 'must be a quoted string'],
  ['label values have no spaces', withSpec({ selector: { matchLabels: { app: 'a b' } } }), 'spec.selector.matchLabels.app', '"a b"', 'a label value'],
  ['label values are short', withSpec({ selector: { matchLabels: { app: 'a'.repeat(64) } } }), 'spec.selector.matchLabels.app', '"aaa', 'at most 63'],
  ['label keys have a form', withSpec({ selector: { matchLabels: { 'a b': 'x' } } }), 'spec.selector.matchLabels["a b"]', '"x"', 'has a bad key: write a label key'],
  ['labels are at most 32', withSpec({ selector: { matchLabels: manyLabels } }), 'spec.selector.matchLabels', '{"k0"', 'at most 32 labels'],
  ['matchLabels is a map', withSpec({ selector: { matchLabels: ['app'] } }), 'spec.selector.matchLabels', '["app"]', 'a map of strings'],
  ['namespaceSelector is of the cluster kind', withSpec({ namespaceSelector: {} }), 'spec.namespaceSelector', '{}', 'a field of ClusterRateLimitPolicy only'],
  ['limits is a list', withSpec({ limits: { calls: {} } }), 'spec.limits', '{"calls":{}}', 'must be a list of 1 to 32 limits'],
  ['limits has an item', withSpec({ limits: [] }), 'spec.limits', '[]', 'must be a list of 1 to 32 limits'],
  ['limits are at most 32', withSpec({ limits: manyLimits }), 'spec.limits', '[{"name"', 'must be a list of 1 to 32 limits'],
  ['limits has its own spelling', withSpec({ limit: [] }), 'spec.limit', '[]', 'did you mean limits?'],
  ['a field of a limit does not stand in spec', withSpec({ unit: 'Requests' }), 'spec.unit', '"Requests"', 'unit belongs in spec.limits[]'],
  ['a foreign field is answered with the fields that there are', withSpec({ foo: 1 }), 'spec.foo', '1', 'the fields are selector, mode, priority'],
  ['restrictedTools is a list', withSpec({ restrictedTools: 'x' }), 'spec.restrictedTools', '"x"', 'a list of 0 to 32 globs'],
  ['restrictedTools are at most 32', withSpec({ restrictedTools: Array(33).fill('x') }), 'spec.restrictedTools', '["x"', 'a list of 0 to 32 globs'],
  ['a glob has no character classes', withSpec({ restrictedTools: ['db_[ab]'] }), 'spec.restrictedTools[0]', '"db_[ab]"', 'no other is special'],
  ['a glob is no regex', withSpec({ restrictedTools: ['^delete_(a|b)$'] }), 'spec.restrictedTools[0]', '"^delete_(a|b)$"', 'no other is special'],
  ['a glob has no spaces', withSpec({ restrictedTools: ['a b'] }), 'spec.restrictedTools[0]', '"a b"', 'no other is special'],
  ['a glob is not empty', withSpec({ allowedTools: [''] }), 'spec.allowedTools[0]', '""', 'must be a glob'],
  ['a glob is short', withSpec({ allowedTools: ['a'.repeat(129)] }), 'spec.allowedTools[0]', '"aaa', 'at most 128 characters'],
  ['a glob is a string', withSpec({ allowedTools: [5] }), 'spec.allowedTools[0]', '5', 'must be a glob'],
];

// biome-ignore format: one row per line
const LIMIT_ROWS: readonly BadPolicy[] = [
  ['a limit is a map', withSpec({ limits: ['calls'] }), 'spec.limits[0]', '"calls"', 'must be a map with the fields name, match, per, unit'],
  ['a limit is not empty', withSpec({ limits: [null] }), 'spec.limits[0]', 'null', 'must be a map with the fields name'],
  ['a limit has a name', withLimit({ name: undefined }), 'spec.limits[0].name', '', 'is required: write a name'],
  ['a limit name has a form', withLimit({ name: 'a_b' }), 'spec.limits[0].name', '"a_b"', 'such as tokens-per-user'],
  ['limit names are unique', withSpec({ limits: [writtenLimit({}), writtenLimit({})] }), 'spec.limits[1].name', '"calls"', 'is the name of spec.limits[0] too'],
  ['a limit has a unit', withLimit({ unit: undefined }), 'spec.limits[0].unit', '', 'is required: write one of Requests, ToolCalls'],
  ['a unit is spelled exactly', withLimit({ unit: 'outputTokens' }), 'spec.limits[0].unit', '"outputTokens"', 'did you mean OutputTokens?'],
  ['Sessions is no unit of a policy', withLimit({ unit: 'Sessions' }), 'spec.limits[0].unit', '"Sessions"', 'must be one of Requests'],
  ['a limit has a bound', withLimit({ rates: undefined }), 'spec.limits[0]', '{"name":"calls","unit":"Requests"}', 'needs exactly one of rates, budget and max: add rates'],
  ['a concurrency limit has max', withLimit(noRates), 'spec.limits[0]', '{"name"', 'add max'],
  ['max is for Concurrency only', withLimit({ rates: undefined, max: 5 }), 'spec.limits[0].max', '5', 'goes only with unit Concurrency: give rates for Requests'],
  ['Concurrency takes max only', withLimit({ unit: 'Concurrency' }), 'spec.limits[0].rates', '[{"limit":5,"window":"1m"}]', 'does not go with unit Concurrency: give max'],
  ['max is whole', withLimit({ ...noRates, max: 1.5 }), 'spec.limits[0].max', '1.5', 'a whole number from 0 to 1000000'],
  ['max is no string', withLimit({ ...noRates, max: '10' }), 'spec.limits[0].max', '"10"', 'a whole number'],
  ['max is not negative', withLimit({ ...noRates, max: -1 }), 'spec.limits[0].max', '-1', 'from 0 to'],
  ['max has a top', withLimit({ ...noRates, max: 1e7 }), 'spec.limits[0].max', '10000000', 'to 1000000'],
  ['per names key parts', withLimit({ per: ['usr'] }), 'spec.limits[0].per[0]', '"usr"', 'did you mean user?'],
  ['per is a list', withLimit({ per: 'user' }), 'spec.limits[0].per', '"user"', 'a list of 0 to 8 key parts'],
  ['per names a part once', withLimit({ per: ['user', 'tool', 'user'] }), 'spec.limits[0].per[2]', '"user"', 'is in the list twice'],
  ['match has known fields', withLimit({ match: { tool: ['x'] } }), 'spec.limits[0].match.tool', '["x"]', 'did you mean tools?'],
  ['match fields do not stand in the limit', withLimit({ tools: ['x'] }), 'spec.limits[0].tools', '["x"]', 'tools belongs in spec.limits[].match'],
  ['match.kinds are known', withLimit({ match: { kinds: ['llm'] } }), 'spec.limits[0].match.kinds[0]', '"llm"', 'did you mean LLM?'],
  ['match.kinds are not repeated', withLimit({ match: { kinds: ['LLM', 'LLM'] } }), 'spec.limits[0].match.kinds[1]', '"LLM"', 'is in the list twice'],
  ['a match list is not empty', withLimit({ match: { models: [] } }), 'spec.limits[0].match.models', '[]', 'a list of 1 to 32 globs'],
  ['match globs have the form', withLimit({ match: { upstreams: ['{a,b}'] } }), 'spec.limits[0].match.upstreams[0]', '"{a,b}"', 'no other is special'],
  ['reserve is one of two', withLimit({ unit: 'TotalTokens', reserve: 'strict' }), 'spec.limits[0].reserve', '"strict"', 'did you mean Strict?'],
  ['onLimit is a map', withLimit({ onLimit: 'Deny' }), 'spec.limits[0].onLimit', '"Deny"', 'must be a map with the fields action, maxWait'],
  ['action is one of two', withLimit({ onLimit: { action: 'Wait' } }), 'spec.limits[0].onLimit.action', '"Wait"', 'must be Hold or Deny'],
  ['maxWait is a duration', withLimit({ onLimit: { maxWait: 2 } }), 'spec.limits[0].onLimit.maxWait', '2', 'must be a duration such as 500ms'],
  ['maxWait is above zero', withLimit({ onLimit: { maxWait: '0s' } }), 'spec.limits[0].onLimit.maxWait', '"0s"', 'from 1ms to 60s'],
  ['maxWait is at most a minute', withLimit({ onLimit: { maxWait: '61s' } }), 'spec.limits[0].onLimit.maxWait', '"61s"', 'from 1ms to 60s'],
  ['Deny does not wait', withLimit({ onLimit: { action: 'Deny', maxWait: '2s' } }), 'spec.limits[0].onLimit.maxWait', '"2s"', 'has no effect with action Deny'],
  ['a field of onLimit does not stand in the limit', withLimit({ maxwait: '2s' }), 'spec.limits[0].maxwait', '"2s"', 'maxWait belongs in spec.limits[].onLimit'],
  ['warnAt is a list', withLimit({ warnAt: 80 }), 'spec.limits[0].warnAt', '80', 'a list of 0 to 10 percentages'],
  ['warnAt has percentages', withLimit({ warnAt: [0] }), 'spec.limits[0].warnAt[0]', '0', 'from 1 to 100'],
  ['warnAt ends at 100', withLimit({ warnAt: [101] }), 'spec.limits[0].warnAt[0]', '101', 'from 1 to 100'],
  ['warnAt is not repeated', withLimit({ warnAt: [50, 50] }), 'spec.limits[0].warnAt[1]', '50', 'is in the list twice'],
  ['the mode of a limit is known', withLimit({ mode: 'Audit' }), 'spec.limits[0].mode', '"Audit"', 'must be Enforce or Shadow'],
];

// biome-ignore format: one row per line
const EFFECT_ROWS: readonly BadPolicy[] = [
  ['tools cost no dollars', withDollarsFor({ tools: ['x'] }), 'spec.limits[0].match.tools', '["x"]', 'has no effect with unit USD, which tools do not cost: remove it or count Requests'],
  ['tools cost no tokens', withLimit({ unit: 'TotalTokens', match: { kinds: ['HTTP', 'LLM'], tools: ['x'] } }), 'spec.limits[0].match.tools', '["x"]', 'has no effect with unit TotalTokens'],
  ['tools cost no input', withLimit({ unit: 'InputTokens', match: { tools: ['x'] } }), 'spec.limits[0].match.tools', '["x"]', 'has no effect with unit InputTokens'],
  ['tools cost no output', withLimit({ unit: 'OutputTokens', match: { tools: ['x'] } }), 'spec.limits[0].match.tools', '["x"]', 'has no effect with unit OutputTokens'],
  ['only model calls cost dollars', withDollarsFor({ kinds: ['HTTP'] }), 'spec.limits[0].match.kinds', '["HTTP"]', 'has nothing to count with unit USD, which only calls of kind LLM cost: add LLM or count Requests'],
  ['only model calls cost tokens', withLimit({ unit: 'OutputTokens', match: { kinds: ['HTTP'] } }), 'spec.limits[0].match.kinds', '["HTTP"]', 'has nothing to count with unit OutputTokens'],
  ['model calls name no tools', withLimit({ match: { kinds: ['LLM'], tools: ['x'] } }), 'spec.limits[0].match.tools', '["x"]', 'has no effect without kind HTTP, of which all tools are: add HTTP or remove it'],
  ['only model calls have a model', withLimit({ match: { kinds: ['HTTP'], models: ['*'] } }), 'spec.limits[0].match.models', '["*"]', 'has no effect without kind LLM, which alone has a model: add LLM or remove it'],
  ['no call has a tool and a model', withLimit({ match: { models: ['m'], tools: ['x'] } }), 'spec.limits[0].match.models', '["m"]', 'has no effect with tools, which have no model: write two limits'],
  ['a request is one request', withLimit({ reserve: 'Learned' }), 'spec.limits[0].reserve', '"Learned"', 'has no effect with unit Requests, of which every call costs one: remove it'],
  ['a slot is one slot', withLimit({ ...noRates, max: 5, reserve: 'Strict' }), 'spec.limits[0].reserve', '"Strict"', 'has no effect with unit Concurrency'],
  ['what is forbidden is not held', withLimit({ rates: [{ limit: 0, window: '1m' }], onLimit: { maxWait: '5s' } }), 'spec.limits[0].onLimit', '{"maxWait":"5s"}', 'has no effect with limit 0, which forbids every call: remove it'],
  ['what is forbidden needs no Deny', withLimit({ unit: 'USD', rates: [{ limit: 5, window: '1h' }, { limit: '0.00', window: '1m' }], onLimit: { action: 'Deny' } }), 'spec.limits[0].onLimit', '{"action":"Deny"}', 'has no effect with limit 0'],
  ['what is forbidden is not used', withLimit({ rates: [{ limit: 0, window: '1m' }], warnAt: [80] }), 'spec.limits[0].warnAt', '[80]', 'has no effect with limit 0, which forbids every call: remove it'],
  ['no slots are waited for', withLimit({ ...noRates, max: 0, onLimit: { action: 'Hold' } }), 'spec.limits[0].onLimit', '{"action":"Hold"}', 'has no effect with max 0, which forbids every call: remove it'],
  ['no slots are used', withLimit({ ...noRates, max: 0, warnAt: [50] }), 'spec.limits[0].warnAt', '[50]', 'has no effect with max 0'],
];

// biome-ignore format: one row per line
const RATE_ROWS: readonly BadPolicy[] = [
  ['rates is a list', withLimit({ rates: rate }), 'spec.limits[0].rates', '{"limit":5,"window":"1m"}', 'a list of 1 to 4 rates'],
  ['rates has an item', withLimit({ rates: [] }), 'spec.limits[0].rates', '[]', 'a list of 1 to 4 rates'],
  ['rates are at most 4', withLimit({ rates: manyRates }), 'spec.limits[0].rates', '[{"limit"', 'a list of 1 to 4 rates'],
  ['a window does not stand in the limit', withLimit({ window: '1m' }), 'spec.limits[0].window', '"1m"', 'window belongs in spec.limits[].rates[]'],
  ['a rate has a limit', withRate({ limit: undefined }), 'spec.limits[0].rates[0].limit', '', 'is required: write an amount'],
  ['a rate has a window', withRate({ window: undefined }), 'spec.limits[0].rates[0].window', '', 'is required: write a duration'],
  ['a rate has known fields', withRate({ windows: '1m' }), 'spec.limits[0].rates[0].windows', '"1m"', 'did you mean window?'],
  ['a window is a duration', withRate({ window: '1 hour' }), 'spec.limits[0].rates[0].window', '"1 hour"', 'must be a duration'],
  ['a window has a unit', withRate({ window: 60 }), 'spec.limits[0].rates[0].window', '60', 'must be a duration'],
  ['days are written in hours', withRate({ window: '1d' }), 'spec.limits[0].rates[0].window', '"1d"', 'must be a duration'],
  ['a window is at least a second', withRate({ window: '999ms' }), 'spec.limits[0].rates[0].window', '"999ms"', 'must be from 1s to 744h'],
  ['a window is at most 744 hours', withRate({ window: '744h1ms' }), 'spec.limits[0].rates[0].window', '"744h1ms"', 'must be from 1s to 744h'],
  ['windows are distinct as times', withLimit({ rates: [rate, { limit: 9, window: '60s' }] }), 'spec.limits[0].rates[1].window', '"60s"', 'is the window of rates[0] too'],
  ['a limit is no fraction', withRate({ limit: 1.5 }), 'spec.limits[0].rates[0].limit', '1.5', 'a whole number with an optional k, M or G'],
  ['a limit is no decimal string', withRate({ limit: '1.5' }), 'spec.limits[0].rates[0].limit', '"1.5"', 'a whole number with an optional k, M or G'],
  ['a limit is not negative', withRate({ limit: -5 }), 'spec.limits[0].rates[0].limit', '-5', 'a whole number'],
  ['a suffix has its case', withRate({ limit: '10K' }), 'spec.limits[0].rates[0].limit', '"10K"', 'k, M or G'],
  ['a limit has at most 12 digits', withRate({ limit: '1000000000000' }), 'spec.limits[0].rates[0].limit', '"1000000000000"', 'k, M or G'],
  ['a limit is an amount', withRate({ limit: true }), 'spec.limits[0].rates[0].limit', 'true', 'must be an amount'],
  ['a limit is no infinity', withRate({ limit: Number.POSITIVE_INFINITY }), 'spec.limits[0].rates[0].limit', 'Infinity', 'a whole number'],
  ['a limit stays exact', withRate({ limit: '1000001G' }), 'spec.limits[0].rates[0].limit', '"1000001G"', 'is too large to count exactly: write at most 1000000000000000'],
  ['a plain number stays exact', withRate({ limit: 1e16 }), 'spec.limits[0].rates[0].limit', '10000000000000000', 'too large'],
  ['a burst stays exact', withRate({ burst: '999999999999G' }), 'spec.limits[0].rates[0].burst', '"999999999999G"', 'too large'],
  ['a burst is an amount', withRate({ burst: '5s' }), 'spec.limits[0].rates[0].burst', '"5s"', 'k, M or G'],
  ['a burst is not empty', withRate({ burst: null }), 'spec.limits[0].rates[0].burst', 'null', 'not empty'],
  ['a burst lets something pass', withRate({ burst: 0 }), 'spec.limits[0].rates[0].burst', '0', 'must be above 0, or no call ever fits'],
  ['a forbidden thing has no burst', withRate({ limit: 0, burst: 5 }), 'spec.limits[0].rates[0].burst', '5', 'has no effect with limit 0'],
  ['dollars are no float', withDollars(25.5), 'spec.limits[0].rates[0].limit', '25.5', 'dollars as a quoted decimal string'],
  ['dollars have no suffix', withDollars('10k'), 'spec.limits[0].rates[0].limit', '"10k"', 'dollars as a quoted decimal string'],
  ['dollars have at most six decimals', withDollars('0.0000001'), 'spec.limits[0].rates[0].limit', '"0.0000001"', 'at most six decimals'],
  ['dollars have no sign', withDollars('$5'), 'spec.limits[0].rates[0].limit', '"$5"', 'dollars as a quoted'],
  ['dollars stay exact', withDollars('1000000000.01'), 'spec.limits[0].rates[0].limit', '"1000000000.01"', 'at most 1000000000 dollars'],
  ['a burst of dollars is dollars', withDollars('5.00', '1k'), 'spec.limits[0].rates[0].burst', '"1k"', 'dollars as a quoted'],
  ['strict is true or false', withRate({ strict: 'yes' }), 'spec.limits[0].rates[0].strict', '"yes"', 'must be true or false'],
];

/** All rows. */
export const BAD_POLICIES: readonly BadPolicy[] = [
  ...DOCUMENT_ROWS,
  ...SPEC_ROWS,
  ...LIMIT_ROWS,
  ...EFFECT_ROWS,
  ...RATE_ROWS,
];
